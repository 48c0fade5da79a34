"""The workers' jobs that are about people."""

from celery import shared_task

from accounts import alarm_mails, help_mails, lifecycle, password_requests


@shared_task(soft_time_limit=100, time_limit=120)
def mail_alarms() -> None:
    """Tell webmasters of redirects made outside the portal; what could not be sent is tried again."""
    alarm_mails.mail_alarms()


@shared_task(soft_time_limit=100, time_limit=120)
def look_after_password_requests() -> None:
    """Find out whose passwords are asked for, and mail the links and questions that are due."""
    password_requests.look_at_requests()
    password_requests.mail_links()
    password_requests.tell_webmasters()


@shared_task(soft_time_limit=100, time_limit=120)
def purge_mailboxes() -> None:
    """Remove for good what was deleted long ago."""
    lifecycle.purge_mailboxes()


@shared_task(soft_time_limit=100, time_limit=120)
def mail_grants() -> None:
    """Tell mailboxes that support may change their settings; what could not be sent is tried again."""
    help_mails.mail_grants()
