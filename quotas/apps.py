from django.apps import AppConfig


class QuotasConfig(AppConfig):
    name = "quotas"
    verbose_name = "Quotas"

    def ready(self) -> None:
        from mailservers import aspects  # noqa: PLC0415 - models are only ready now
        from quotas import sentences, sentences_in_person  # noqa: F401, PLC0415
        from quotas.aspects import trash  # noqa: PLC0415

        aspects.register(trash)
