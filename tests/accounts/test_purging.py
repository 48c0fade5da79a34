"""Removed for good: off the server with all it had, told when it is not, and forgotten with its people."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import lifecycle, purging
from accounts.models import (
    GivenLogin,
    KnownDevice,
    Mailbox,
    Notice,
    PasswordRequest,
    Person,
    PersonSession,
)
from audit.chain import record
from audit.models import Event
from audit.verifying import problems
from mails.models import Mail
from mailservers import outbox
from mailservers.drivers.base import AccountState, Limits, Refused
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change

pytestmark = pytest.mark.sql

DELETED = "/domains/example.test/deleted/"


@pytest.fixture
def live(mailbox, committed) -> Mailbox:
    with committed():
        outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    return mailbox


@pytest.fixture
def over(live, webmaster, committed) -> Mailbox:
    """Deleted so long ago that it is to be removed for good."""
    with committed():
        lifecycle.delete_mailbox(live, by=webmaster)
    Mailbox.objects.update(purge_after=timezone.now() - timedelta(seconds=1))
    live.refresh_from_db()
    return live


def purge(committed) -> int:
    with committed():
        return purging.purge_mailboxes()


def test_nothing_of_it_is_left_on_the_server(over, committed):
    MemoryDriver.mail["example0001"] = (5000, 3)
    MemoryDriver.own_scripts["example0001"] = 'redirect "spy@elsewhere.test";'
    assert (purge(committed), purge(committed)) == (0, 1)
    assert "example0001" not in MemoryDriver.accounts | MemoryDriver.mail | MemoryDriver.own_scripts
    assert not Mailbox.objects.exists()


def test_a_newcomer_never_gets_what_lies_under_a_login(domain, webmaster, client, committed):
    """Left there by hand, or before the portal came."""
    MemoryDriver.mail["intern01"] = (5000, 3)
    client.force_login(webmaster)
    with committed():
        client.post("/domains/example.test/new-mailbox/", {"local_part": "bert", "login": "intern01"})
    page = client.get("/mailboxes/bert@example.test/").content.decode()
    assert "mail or a script already under the login intern01" in page
    assert "intern01" not in MemoryDriver.accounts
    assert MemoryDriver.mail["intern01"] == (5000, 3)


def test_a_new_mailbox_takes_nobodys_account_over_and_its_purge_removes_nobodys(
    domain, webmaster, client, committed
):
    """One on the server that the portal has not adopted."""
    theirs = AccountState("theirs01", "boss@example.org", "{X}hash", 0, enabled=True)
    MemoryDriver.accounts["theirs01"] = theirs
    MemoryDriver.mail["theirs01"] = (5000, 3)
    client.force_login(webmaster)
    with committed():
        client.post("/domains/example.test/new-mailbox/", {"local_part": "bert", "login": "theirs01"})
    mailbox = Mailbox.objects.get()
    assert Change.objects.newest_of(mailbox.pk, "account").state == "failed"
    lifecycle.delete_mailbox(mailbox, by=webmaster)
    Mailbox.objects.update(purge_after=timezone.now() - timedelta(seconds=1))
    assert (purge(committed), purge(committed)) == (0, 1)
    assert MemoryDriver.accounts == {"theirs01": theirs}
    assert MemoryDriver.mail["theirs01"] == (5000, 3)


def test_an_account_that_became_somebody_elses_is_not_removed_but_told(over, committed, client, webmaster):
    """An administrator gave the login to another address, by hand."""
    MemoryDriver.accounts["example0001"] = AccountState("example0001", "ceo@example.org", "", 0, enabled=True)
    purge(committed)
    assert purge(committed) == 0
    assert MemoryDriver.accounts["example0001"].address == "ceo@example.org"
    client.force_login(webmaster)
    page = client.get(DELETED).content.decode()
    assert "has another address on the mail server, ceo@example.org" in page


def test_who_looks_after_it_sees_what_was_not_removed_and_is_told_once(over, committed, client, webmaster):
    Person.objects.filter(pk=webmaster.pk).update(email="willem@home.test")
    MemoryDriver.failures += [Refused("The disk is read-only."), None] * 1
    purge(committed)
    client.force_login(webmaster)
    page = client.get(DELETED).content.decode()
    assert "The disk is read-only." in page
    assert "now being removed for good" in page
    assert "Bring back" not in page.partition("<tbody")[2]
    for _day in range(3):
        MemoryDriver.failures[:] = [Refused("The disk is read-only.")]
        Change.objects.update(settled_at=timezone.now() - timedelta(days=2))
        purge(committed)
        assert Mailbox.objects.exists()
    [mail] = Mail.objects.filter(subject__contains="still on the mail server")
    assert mail.address == "willem@home.test"
    assert "anna@example.test" in mail.text
    assert "The disk is read-only." in mail.text
    MemoryDriver.failures.clear()
    Change.objects.update(settled_at=timezone.now() - timedelta(days=2))
    purge(committed)
    assert purge(committed) == 1
    assert not Mailbox.objects.exists()


def test_between_two_tries_there_is_a_day(over, committed):
    MemoryDriver.failures += [Refused("no")]
    purge(committed)
    tried = Event.objects.filter(verb="change.failed").count()
    for _hour in range(5):
        purge(committed)
    assert Event.objects.filter(verb="change.failed").count() == tried


def test_one_that_somebody_tried_again_just_now_holds_no_other_up(
    over, domain, server, committed, monkeypatch
):
    Mailbox.objects.create(
        address="b@example.test", domain=domain, server=server, login="b1", quota_bytes=0,
        deleted_at=timezone.now(), purge_after=timezone.now() - timedelta(seconds=1),
    )  # fmt: skip
    MemoryDriver.failures += [Refused("no"), Refused("no")]
    purge(committed)
    failed = Change.objects.filter(state="failed", event__verb="mailbox.purged")
    assert failed.count() == 2
    failed.update(settled_at=timezone.now() - timedelta(days=2))
    try_again, asked = outbox.try_again, list[Change]()

    def quicker(change, *, by):
        asked.append(change)
        if len(asked) == 1:
            raise outbox.MovedOn
        try_again(change, by=by)

    monkeypatch.setattr(outbox, "try_again", quicker)
    purge(committed)
    assert failed.count() == 1


def test_one_that_can_not_be_removed_holds_no_other_up(
    over, webmaster, domain, server, committed, monkeypatch
):
    monkeypatch.setattr(purging, "AT_ONCE", 1)
    MemoryDriver.failures += [Refused("no")]
    purge(committed)
    other = Mailbox.objects.create(
        address="b@example.test", domain=domain, server=server, login="b1", quota_bytes=0,
        deleted_at=timezone.now(), purge_after=timezone.now() - timedelta(seconds=1),
    )  # fmt: skip
    purge(committed)
    assert purge(committed) == 1
    assert not Mailbox.objects.filter(pk=other.pk).exists()


def test_its_user_is_forgotten_with_sessions_devices_and_notices(over, owner, client, committed):
    client.force_login(owner)
    KnownDevice.objects.create(person=owner, cookie_hash="x")
    Notice.objects.create(kind="password", person=owner, mail_to="a@home.test")
    PasswordRequest.objects.create(typed="anna@example.test", state="nobody")
    Mail.objects.create(address="anna@example.test", subject="x")
    assert PersonSession.objects.filter(person=owner).exists()
    purge(committed)
    purge(committed)
    for table in (KnownDevice, Notice, PasswordRequest, Mail, PersonSession):
        assert not table.objects.exists(), table
    assert not Person.objects.filter(pk=owner.pk).exists()
    # What the audit tells has a time of its own, and the chain stays whole.
    assert Event.objects.filter(subject="anna@example.test").exists()
    assert list(problems()) == []


@pytest.mark.parametrize("keeps", ["another mailbox", "a deleted one", "a domain", "a role"])
def test_whoever_has_something_yet_stays(keeps, over, owner, domain, server, committed):
    other = {"domain": domain, "server": server, "login": "other1", "quota_bytes": 0, "owner": owner}
    if keeps == "another mailbox":
        Mailbox.objects.create(address="other@example.test", **other)
    elif keeps == "a deleted one":
        later = timezone.now() + timedelta(days=1)
        Mailbox.objects.create(
            address="other@example.test", deleted_at=timezone.now(), purge_after=later, **other
        )
    elif keeps == "a domain":
        owner.domains.add(domain)
    else:
        Person.objects.filter(pk=owner.pk).update(is_support=True)
    purge(committed)
    purge(committed)
    assert Person.objects.filter(pk=owner.pk).exists()


def test_histories_still_open_when_who_acted_is_forgotten(
    mailbox, owner, domain, server, webmaster, client, committed
):
    """Anna changed something in a mailbox that was hers for a while, and is gone herself."""
    other = Mailbox.objects.create(
        address="info@example.test", domain=domain, server=server, login="info1", quota_bytes=0
    )
    record("mailbox.edited", by=owner, about=other, domain="example.test", after={"name": "Info"})
    Mailbox.objects.filter(pk=mailbox.pk).update(
        deleted_at=timezone.now(), purge_after=timezone.now() - timedelta(seconds=1)
    )
    purge(committed)
    purge(committed)
    assert not Person.objects.filter(pk=owner.pk).exists()
    client.force_login(webmaster)
    page = client.get("/mailboxes/info@example.test/history/")
    assert page.status_code == 200
    assert "anna@example.test" in page.content.decode()


@pytest.mark.parametrize("erases", [True, False])
def test_before_deleting_it_is_told_what_becomes_of_the_mail(erases, live, client, webmaster, monkeypatch):
    monkeypatch.setattr(MemoryDriver, "limits", Limits(erases_mail=erases))
    client.force_login(webmaster)
    page = client.get("/mailboxes/anna@example.test/delete/").content.decode()
    assert ("keeps the mail itself" in page) is not erases
    assert ("Its mail and its rules go with it." in page) is erases


def test_the_address_is_free_again_and_the_login_is_not(over, client, webmaster, committed):
    client.force_login(webmaster)
    given = {"local_part": "anna", "quota_bytes": "1 GB"}
    with committed():
        page = client.post("/domains/example.test/new-mailbox/", given).content.decode()
    assert "is being removed just now" in page
    purge(committed)
    purge(committed)
    with committed():
        client.post("/domains/example.test/new-mailbox/", given)
    assert Mailbox.objects.get().login == "example0002"
    assert set(GivenLogin.objects.values_list("login", flat=True)) == {"example0001", "example0002"}


def test_what_the_audit_tells_of_somebody_who_is_gone_can_still_be_erased(over, owner, committed, domain):
    record("person.signed_in", by=owner, about=owner)
    told = Event.objects.filter(subject="anna@example.test").count()
    purge(committed)
    purge(committed)
    assert Event.objects.filter(subject="anna@example.test").count() >= told
    heir = Mailbox.objects.create(
        address="anna@example.test", domain=domain, server=domain.server, login="x1", quota_bytes=0
    )
    with pytest.raises(CommandError, match="A mailbox has this address"):
        call_command("erase_person", "anna@example.test", reason="asked for it")
    heir.delete()
    call_command("erase_person", "Anna@example.test", reason="asked for it")
    assert not Event.objects.filter(subject="anna@example.test").exists()
    assert not Event.objects.filter(by_name="anna@example.test").exists()
    assert list(problems()) == []
    with pytest.raises(CommandError, match="the audit knows nobody"):
        call_command("erase_person", "anna@example.test", reason="asked for it")
