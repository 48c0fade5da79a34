from django.apps import AppConfig


class AliasesConfig(AppConfig):
    name = "aliases"
    verbose_name = "Pages about aliases"

    def ready(self) -> None:
        from accounts.aliases import PROBLEMS  # noqa: PLC0415 - models are only ready now
        from aliases.targets import problem_with  # noqa: PLC0415

        if problem_with not in PROBLEMS:
            PROBLEMS.append(problem_with)
