from django.apps import AppConfig


class MailserversConfig(AppConfig):
    name = "mailservers"
    verbose_name = "Mail servers"

    def ready(self) -> None:
        from mailservers import sentences, sentences_in_person  # noqa: F401, PLC0415 - registers; models are only ready now
