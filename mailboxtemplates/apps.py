from django.apps import AppConfig


class MailboxTemplatesConfig(AppConfig):
    name = "mailboxtemplates"
    verbose_name = "Templates for mailboxes"

    def ready(self) -> None:
        from mailboxtemplates import sentences, sentences_in_person  # noqa: F401, PLC0415 - as models are only ready now
