from django.apps import AppConfig


class VacationConfig(AppConfig):
    name = "vacation"
    verbose_name = "Auto-replies and forwarding"

    def ready(self) -> None:
        from accounts.led_here import WATCHERS  # noqa: PLC0415 - models are only ready now
        from mailservers import aspects  # noqa: PLC0415
        from vacation import filters, sentences, sentences_in_person  # noqa: F401, PLC0415 - register; models are only ready now
        from vacation.aspects import script  # noqa: PLC0415
        from vacation.gone_targets import watcher  # noqa: PLC0415

        aspects.register(script)
        WATCHERS.append(watcher)
