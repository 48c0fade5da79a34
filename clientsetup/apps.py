from django.apps import AppConfig


class ClientSetupConfig(AppConfig):
    name = "clientsetup"
    verbose_name = "Set-up of mail programs"

    def ready(self) -> None:
        from clientsetup import sentences, sentences_in_person  # noqa: F401, PLC0415 - registers; models are only ready now
