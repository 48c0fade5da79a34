"""A whole story on a real Dovecot: somebody leaves, and others come, of this customer and another one."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import lifecycle, purging
from accounts.aspects import desired_account
from accounts.models import Domain, Mailbox
from accounts.services import change_password, create_mailbox
from fleet.certificates import CertificateAuthority
from fleet.dovecot import Dovecot
from fleet.users import private_directory
from mailservers.credentials import seal
from mailservers.drivers.base import AccountState
from mailservers.models import Change, Server
from mailservers.tasks import push
from tests.mailservers.drivers.mailbox import deliver, keep_own_script, scripts, signs_in, subjects

PASSWORD = "gravel teapot seventeen"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with private_directory("gone") as directory:
        dovecot = Dovecot("gone", directory / "d", CertificateAuthority(directory / "ca"), 25)
        dovecot.start()
        yield dovecot
        dovecot.stop()


@pytest.fixture
def mozart(db, dovecot: Dovecot) -> Server:
    return Server.objects.create(
        name="mozart",
        kind="dovecot",
        endpoints=dovecot.endpoints(),
        sealed_credentials=seal(dovecot.credentials()),
    )


def made(domain: Domain, local_part: str, committed, login: str = "") -> Mailbox:
    with committed():
        mailbox = create_mailbox(domain, local_part, name="", by=None, login=login, quota_bytes=0)
    with committed():
        change_password(mailbox, PASSWORD, by=None)
    assert newest(mailbox).state == "live"
    return mailbox


def newest(mailbox: Mailbox) -> Change:
    return Change.objects.filter(mailbox=mailbox, aspect="account").latest("pk")


def account_of(mailbox: Mailbox) -> AccountState:
    account = desired_account(mailbox)
    assert isinstance(account, AccountState)
    return account


def test_nobody_who_comes_later_finds_anything_of_who_left(mozart, dovecot, operator, committed):
    ours, theirs = (
        Domain.objects.create(name=name, server=mozart) for name in ("example.test", "example.org")
    )
    leaver = made(ours, "leaver", committed)
    deliver(dovecot, account_of(leaver), "SECRET-payslip")
    keep_own_script(
        dovecot, leaver.login, "roundcube", 'require "copy"; redirect :copy "spy@elsewhere.test";\n'
    )
    with committed():
        lifecycle.delete_mailbox(leaver, by=operator)
    assert not signs_in(dovecot, leaver.address, PASSWORD)
    Mailbox.objects.filter(pk=leaver.pk).update(purge_after=timezone.now() - timedelta(seconds=1))
    for forgotten in (0, 1):
        with committed():
            assert purging.purge_mailboxes() == forgotten
    # The disk first: not one mail, not one rule.
    home = dovecot.directory / "mail" / leaver.login
    assert [path.name for path in home.rglob("*") if "SECRET" in path.name or path.suffix == ".sieve"] == []
    assert not any(b"SECRET" in path.read_bytes() for path in home.rglob("*") if path.is_file())
    newcomers = [
        made(ours, "newcomer", committed),
        made(theirs, "ceo", committed),
        made(ours, "leaver", committed),
    ]
    assert leaver.login not in {each.login for each in newcomers}
    for newcomer in newcomers:
        deliver(dovecot, account_of(newcomer), "welcome")
        assert subjects(dovecot, newcomer.login) == ["welcome"]
        assert scripts(dovecot, newcomer.login) == {}
        assert signs_in(dovecot, newcomer.address, PASSWORD)


def test_a_dovecot_that_is_away_is_asked_until_it_is_gone(mozart, dovecot, operator, committed):
    domain = Domain.objects.create(name="example.test", server=mozart)
    leaver = made(domain, "away", committed, login="away01")
    deliver(dovecot, account_of(leaver), "SECRET")
    with committed():
        lifecycle.delete_mailbox(leaver, by=operator)
    Mailbox.objects.filter(pk=leaver.pk).update(purge_after=timezone.now() - timedelta(seconds=1))
    dovecot.stop()
    try:
        with committed():
            purging.purge_mailboxes()
        change = newest(leaver)
        assert (change.state, bool(change.reason)) == ("waiting", True)
        assert purging.purge_mailboxes() == 0
    finally:
        dovecot.start()
    Server.objects.update(probe_at=None, away_since=None)
    Change.objects.filter(pk=change.pk).update(next_attempt_at=timezone.now())
    with committed():
        push(mozart.pk)
    assert purging.purge_mailboxes() == 1
    assert not any(
        b"SECRET" in path.read_bytes()
        for path in (dovecot.directory / "mail" / "away01").rglob("*")
        if path.is_file()
    )
