from django.apps import AppConfig


class AdoptionConfig(AppConfig):
    name = "adoption"
    verbose_name = "Adoption"

    def ready(self) -> None:
        from adoption import sentences, sentences_in_person  # noqa: F401, PLC0415 - registers; models are only ready now
