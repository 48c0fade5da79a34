from django.apps import AppConfig


class BatchesConfig(AppConfig):
    name = "batches"
    verbose_name = "Batches"

    def ready(self) -> None:
        from accounts.lookups import NUMBERED  # noqa: PLC0415 - models are only ready now
        from batches import sentences, sentences_in_person  # noqa: F401, PLC0415 - as models are only ready now
        from batches.models import domain_of_batch  # noqa: PLC0415

        NUMBERED["batches"] = domain_of_batch
