from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "batches"
    verbose_name = "Batches"

    def ready(self) -> None:
        from batches import sentences  # noqa: F401, PLC0415 - registers; models are only ready now
