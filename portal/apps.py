from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Mail portal"

    def ready(self) -> None:
        from portal import checks  # noqa: F401, PLC0415 - registers
