from django.apps import AppConfig


class MailserversConfig(AppConfig):
    name = "mailservers"
    verbose_name = "Mail servers"
