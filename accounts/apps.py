from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "Accounts"

    def ready(self) -> None:
        from accounts import checks, sentences, sentences_in_person  # noqa: F401, PLC0415 - registers; models are only ready now
        from accounts.alias_aspect import alias  # noqa: PLC0415
        from accounts.aspects import account  # noqa: PLC0415
        from mailservers import aspects  # noqa: PLC0415

        aspects.register(account)
        aspects.register(alias)
