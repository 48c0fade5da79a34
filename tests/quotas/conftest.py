"""Mailboxes on the memory server, and a way to have them read at once."""

import pytest

from accounts.models import Mailbox
from mailservers.drivers.base import AccountState
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Usage
from quotas import reading
from quotas.models import DomainReading

MB = 1024**2


def account_of(mailbox):
    return AccountState(
        mailbox.login, mailbox.address, mailbox.password_hash, mailbox.quota_bytes, enabled=True
    )


@pytest.fixture
def held(mailbox):
    """Anna's mailbox holds 500 of 1000 MB, a tenth of it in the trash."""
    Mailbox.objects.filter(pk=mailbox.pk).update(quota_bytes=1000 * MB)
    mailbox.refresh_from_db()
    MemoryDriver.accounts[mailbox.login] = account_of(mailbox)
    MemoryDriver.mail[mailbox.login] = (450 * MB, 90)
    MemoryDriver.in_trash[mailbox.login] = [(10 * MB, 1_000_000_000)] * 3 + [(20 * MB, 1_795_000_000)]
    return mailbox


def read_now(domain):
    """What the beat and the workers do together."""
    reading.due_domains()
    DomainReading.objects.filter(domain=domain).update(due_at="2020-01-01T00:00:00Z")
    return reading.read_some(domain.pk)


def fill(mailbox, megabytes, *, within=1000):
    """The mailbox holds so much, all of it mail, and is read."""
    MemoryDriver.accounts[mailbox.login] = account_of(mailbox)
    MemoryDriver.mail[mailbox.login] = (megabytes * MB, megabytes)
    MemoryDriver.in_trash.pop(mailbox.login, None)
    read_now(mailbox.domain)
    return Usage.objects.get(mailbox=mailbox)
