from django.apps import AppConfig


class BrandingConfig(AppConfig):
    name = "branding"
    verbose_name = "Branding"

    def ready(self) -> None:
        from branding import sentences, sentences_in_person  # noqa: F401, PLC0415 - registers; models are only ready now
