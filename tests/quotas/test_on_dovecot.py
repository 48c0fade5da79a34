"""The whole of it on a real Dovecot: mail until it is full, the warnings, the refusal, and room again."""

import re
import shutil
import smtplib
import time
from contextlib import suppress

import pytest

from accounts.models import Domain, Mailbox
from fleet.certificates import CertificateAuthority
from fleet.dovecot import Dovecot
from fleet.sink import Sink
from fleet.users import private_directory
from mailservers.aspects import aspect_named
from mailservers.credentials import seal
from mailservers.drivers.base import AccountState
from mailservers.models import Change, Server, Usage
from mailservers.servers import driver_for
from quotas import asking
from tests.conftest import PASSWORD_HASH
from tests.quotas.conftest import read_now

KB, MB = 1024, 1024**2
PAGE = "/mailboxes/anna@full.test/usage/"


@pytest.fixture(scope="module")
def fleet():
    with private_directory("quotas-on-dovecot") as directory:
        sink = Sink(directory / "sink")
        dovecot = Dovecot("full", directory / "d", CertificateAuthority(directory / "ca"), sink.port)
        sink.start()
        dovecot.start()
        yield dovecot, sink
        dovecot.stop()
        sink.stop()


@pytest.fixture
def dovecot(fleet):
    return fleet[0]


@pytest.fixture
def sink(fleet, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.EMAIL_USE_TLS = "127.0.0.1", fleet[1].port, False
    fleet[1].clear()
    return fleet[1]


@pytest.fixture
def box(db, dovecot, owner):
    server = Server.objects.create(
        name="full",
        kind="dovecot",
        endpoints=dovecot.endpoints(),
        sealed_credentials=seal(dovecot.credentials()),
    )
    domain = Domain.objects.create(name="full.test", server=server)
    mailbox = Mailbox.objects.create(
        address="anna@full.test",
        domain=domain,
        server=server,
        login="full0001",
        quota_bytes=386 * KB,
        password_hash=PASSWORD_HASH,
        recovery_address="anna@recovery.test",
        owner=owner,
    )
    account = aspect_named("account").desired(mailbox)
    driver_for(server).put_account(account)
    yield mailbox
    dovecot.run_doveadm("expunge", "-u", "full0001", "mailbox", "*", "all")


def deliver(dovecot, kilobytes):
    line = "x" * 76 + "\r\n"
    text = f"From: a@b.test\r\nSubject: large\r\n\r\n{line * (kilobytes * KB // len(line))}"
    dovecot.deliver("anna@full.test", text.encode(), "a@b.test")


def told_by_doveadm(dovecot):
    """KiB used, KiB of the limit, messages."""
    rows = dovecot.run_doveadm("-f", "tab", "quota", "get", "-u", "full0001").splitlines()[1:]
    storage, messages = (row.split("\t") for row in rows)
    return int(storage[2]), int(storage[3]), int(messages[2])


def words(client):
    return " ".join(client.get(PAGE).content.decode().replace("\N{NO-BREAK SPACE}", " ").split())


def test_from_empty_to_full_and_back(box, dovecot, sink, client, committed):
    client.force_login(box.owner)
    refusal = None
    for size in (250, 60, 60, 45, 60):
        try:
            deliver(dovecot, size)
        except smtplib.SMTPException as refused:
            refusal = refused
        asking.ask(box)
        # The page, the bar and doveadm agree after every mail.
        kib, limit, messages = told_by_doveadm(dovecot)
        usage = Usage.objects.get(mailbox=box)
        assert (usage.bytes_used, usage.messages, usage.limit_bytes) == (kib * KB, messages, limit * KB)
        page = words(client)
        assert f'aria-label="{kib} kB of {limit} kB, {kib * 100 // limit} %"' in page
    assert "over quota" in str(refusal)
    assert usage.bytes_used >= usage.limit_bytes
    assert "The mailbox is full" in page
    for address in ("anna@full.test", "anna@recovery.test"):
        first, second, last = (mail["Subject"] for mail in sink.messages(to=address))
        # A mail's size depends on the host's name in its headers, so the figures may be one more.
        assert re.fullmatch("The mailbox anna@full.test is 8[0-4] % full", first)
        assert re.fullmatch("The mailbox anna@full.test is 9[5-9] % full", second)
        assert last == "The mailbox anna@full.test is full"

    # Moved to the trash it still counts; emptied it does not.
    for folder in ("Trash", "Trash/2025"):
        with suppress(RuntimeError):  # it may be there already
            dovecot.run_doveadm("mailbox", "create", "-u", "full0001", folder)
    dovecot.run_doveadm("move", "-u", "full0001", "Trash", "mailbox", "INBOX", "1")
    dovecot.run_doveadm("move", "-u", "full0001", "Trash/2025", "mailbox", "INBOX", "1")
    asking.ask(box)
    usage = Usage.objects.get(mailbox=box)
    assert (usage.trash_messages, usage.old_trash_messages, usage.bytes_used) == (2, 0, kib * KB)
    time.sleep(1.1)  # the wish spares what came in its own second
    with committed():
        client.post(f"{PAGE}trash/", {"older_than": "all"})
    change = Change.objects.get(aspect="trash")
    assert change.state == Change.State.LIVE, change.reason_text
    usage = Usage.objects.get(mailbox=box)
    assert usage.trash_bytes == 0
    assert usage.bytes_used == pytest.approx((kib - 310) * KB, rel=0.1)
    deliver(dovecot, 60)
    assert told_by_doveadm(dovecot)[2] == usage.messages + 1


def test_folders_have_names_in_any_letters_and_subfolders_are_of_their_parents_kind(box, dovecot):
    for name in ("Entwürfe & Co", "李小龙/李", "Junk/old", "Trashy"):
        dovecot.run_doveadm("mailbox", "create", "-u", "full0001", name)
    asking.ask(box)
    kinds = {folder["name"]: folder["kind"] for folder in Usage.objects.get().folders}
    assert kinds["Entwürfe & Co"] == kinds["李小龙/李"] == kinds["Trashy"] == ""
    assert kinds["Junk/old"] == "junk"


def test_a_domain_of_hundreds_is_read_with_one_broken_mailbox_in_it(box, dovecot):
    driver = driver_for(box.server)
    for n in range(120):
        login = f"group{n:04}"
        driver.put_account(AccountState(login, f"g{n}@full.test", "", MB, enabled=True))
        Mailbox.objects.create(
            address=f"g{n}@full.test", domain=box.domain, server=box.server, login=login, quota_bytes=MB
        )
    deliver(dovecot, 10)
    read_now(box.domain)
    assert Usage.objects.count() == 121
    Usage.objects.all().delete()
    # One mailbox that cannot be opened hides no other.
    shutil.rmtree(dovecot.directory / "mail" / "group0007")
    (dovecot.directory / "mail" / "group0007").write_text("no directory")
    read_now(box.domain)
    assert set(Mailbox.objects.filter(usage=None).values_list("login", flat=True)) == {"group0007"}
    assert Usage.objects.get(mailbox=box).messages == 1
