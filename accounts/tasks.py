"""The workers' jobs that are about people."""

from celery import shared_task

from accounts import alarm_mails


@shared_task(soft_time_limit=100, time_limit=120)
def mail_alarms() -> None:
    """Tell webmasters of redirects made outside the portal; what could not be sent is tried again."""
    alarm_mails.mail_alarms()
