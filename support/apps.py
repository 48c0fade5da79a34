from django.apps import AppConfig


class SupportConfig(AppConfig):
    name = "support"
    verbose_name = "Support"

    def ready(self) -> None:
        from support import sentences, sentences_in_person  # noqa: F401, PLC0415 - registers; models are only ready now
