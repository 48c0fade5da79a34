from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "batches"
    verbose_name = "Batches"

    def ready(self) -> None:
        from batches import sentences, sentences_in_person  # noqa: F401, PLC0415 - as models are only ready now
