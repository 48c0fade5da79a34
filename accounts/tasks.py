"""The workers' jobs that are about people."""

from contextlib import suppress

from celery import shared_task

from accounts import (
    alarm_mails,
    aliases,
    app_password_rule,
    app_passwords,
    notices,
    open_sessions,
    password_requests,
    purging,
    refused_mails,
)
from accounts.models import AppPassword
from mails import queue
from mailservers.drivers.base import DriverError
from mailservers.models import Server

READ_USE_EVERY = 600.0


@shared_task(soft_time_limit=100, time_limit=120)
def mail_alarms() -> None:
    """Tell webmasters of redirects made outside the portal; what could not be sent is tried again."""
    alarm_mails.mail_alarms()
    queue.send_due()


@shared_task(soft_time_limit=100, time_limit=120)
def look_after_password_requests() -> None:
    """Find out whose passwords are asked for, and mail the links and questions that are due."""
    password_requests.look_at_requests()
    password_requests.mail_links()
    password_requests.tell_webmasters()
    queue.send_due()


@shared_task(soft_time_limit=100, time_limit=120)
def mail_notices() -> None:
    """Tell people of what a thief would do; what could not be sent is tried again."""
    notices.mail_notices()


@shared_task(soft_time_limit=100, time_limit=120)
def purge_mailboxes() -> None:
    """Remove for good what was deleted long ago."""
    purging.purge_mailboxes()
    aliases.purge_aliases()


@shared_task(soft_time_limit=100, time_limit=120)
def tell_of_refused_mails() -> None:
    """Tell webmasters or operators which mails of the portal no server took."""
    refused_mails.tell()
    queue.send_due()


@shared_task(soft_time_limit=280, time_limit=290)
def follow_app_password_rules() -> None:
    """Bring mailboxes into line with what their domains' rules say of app passwords."""
    app_password_rule.follow_rules()


@shared_task
def read_app_password_use() -> int:
    """Ask each server that keeps app passwords which of them were used; how many servers there are."""
    servers = Server.objects.filter(pk__in=AppPassword.objects.values("mailbox__server"))
    for server in servers:
        read_use_on.apply_async((server.pk,), queue=server.queue, priority=9, expires=READ_USE_EVERY)
    return len(servers)


@shared_task(soft_time_limit=75, time_limit=90)
def read_use_on(server_id: int) -> None:
    """One that is away is asked again the next time: nothing depends on it."""
    server = Server.objects.filter(pk=server_id).first()
    if server is not None:
        with suppress(DriverError):
            app_passwords.read_last_use(server)


@shared_task(soft_time_limit=100, time_limit=120)
def forget_sessions() -> int:
    """Sessions that have run out: they tell from where and with what somebody signed in."""
    return open_sessions.forget_over()
