"""A login is given once on a server: whoever comes later never opens what somebody left behind there."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from accounts import lifecycle, purging
from accounts.logins import propose_login
from accounts.many import NewMailbox, create_mailboxes
from accounts.models import Domain, GivenLogin, Mailbox, Person
from accounts.naming import BadName
from accounts.services import create_mailbox
from adoption.adopting import adopt_domain
from adoption.aliases import PassedOver
from mailservers.drivers.base import AccountState, Limits
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Server
from tests.conftest import webmaster_of

pytestmark = pytest.mark.sql

NEW = "/domains/example.test/new-mailbox/"


@pytest.fixture
def neighbour(server) -> Domain:
    """Another customer's, whose logins look like those of example.test."""
    return Domain.objects.create(name="example.org", server=server)


def purged(domain: Domain, local_part: str, by: Person, committed, **values) -> str:
    """The login of a mailbox that was made, deleted, and whose time is over."""
    with committed():
        mailbox = create_mailbox(domain, local_part, name="", by=by, **values)
    with committed():
        lifecycle.delete_mailbox(mailbox, by=by)
    Mailbox.objects.filter(pk=mailbox.pk).update(purge_after=timezone.now() - timedelta(seconds=1))
    with committed():
        purging.purge_mailboxes()
    purging.purge_mailboxes()
    assert not Mailbox.objects.filter(pk=mailbox.pk).exists()
    return mailbox.login


def new(client, committed, url=NEW, **values):
    given = {"local_part": "bert", "quota_bytes": "1 GB", "language": "en"}
    with committed():
        answer = client.post(url, given | values, follow=True)
    return " ".join(answer.content.decode().split())


def test_a_freed_login_is_proposed_to_nobody(domain, neighbour, webmaster, committed):
    assert purged(domain, "leaver", webmaster, committed) == "example0001"
    assert propose_login(domain) == "example0002"
    # Another customer on the same server, whose logins look alike.
    assert propose_login(neighbour) == "example0002"


def test_on_another_server_it_is_proposed_to_nobody_either(domain, webmaster, committed):
    purged(domain, "leaver", webmaster, committed)
    elsewhere = Server.objects.create(name="other", kind="memory")
    assert propose_login(Domain.objects.create(name="example.net", server=elsewhere)) == "example0002"


def test_a_freed_login_that_is_typed_is_refused_with_a_way_out(domain, webmaster, client, committed):
    purged(domain, "leaver", webmaster, committed, login="intern01")
    client.force_login(webmaster)
    for typed in ("intern01", "INTERN01", " intern01 "):
        page = new(client, committed, login=typed)
        assert "This login is not free, or was somebody&#x27;s before." in page
        assert "leave the field empty" in page
    assert "bert@example.test is made" in new(client, committed, login="")
    assert Mailbox.objects.get(address="bert@example.test").login == "example0001"


def test_what_is_said_of_a_login_tells_nothing_of_other_customers(neighbour, client, webmaster, committed):
    """Neither whose it is, nor whether it is in use."""
    other = webmaster_of(neighbour, "wanda")
    purged(neighbour, "gone", other, committed, login="gone01")
    with committed():
        create_mailbox(neighbour, "alive", name="", by=other, login="alive01")
    client.force_login(webmaster)
    pages = [new(client, committed, login=login) for login in ("gone01", "alive01")]
    for page in pages:
        assert "This login is not free, or was somebody&#x27;s before." in page
        assert "example.org" not in page
        assert "nother mailbox" not in page


def test_nobody_who_calls_the_service_gets_it_either(domain, neighbour, webmaster, committed):
    purged(domain, "leaver", webmaster, committed, login="intern01")
    wanted = NewMailbox(
        address="a@example.org", login="intern01", name="", quota_bytes=1, recovery_address="",
        language="en", enabled=True, password_hash="",
    )  # fmt: skip
    with pytest.raises(IntegrityError):
        create_mailbox(neighbour, "a", name="", by=None, login="intern01")
    with pytest.raises(IntegrityError), transaction.atomic():
        create_mailboxes(neighbour, [wanted], by=None)
    assert not Mailbox.objects.exists()


def test_one_that_was_made_before_there_was_a_list_is_noted_when_it_is_purged(mailbox, webmaster, committed):
    assert not GivenLogin.objects.exists()
    lifecycle.delete_mailbox(mailbox, by=webmaster)
    Mailbox.objects.update(purge_after=timezone.now() - timedelta(seconds=1))
    with committed():
        purging.purge_mailboxes()
    purging.purge_mailboxes()
    assert not Mailbox.objects.exists()
    assert propose_login(mailbox.domain) == "example0002"


def test_the_same_mailbox_comes_back_with_its_login(domain, webmaster, committed):
    with committed():
        mailbox = create_mailbox(domain, "anna", name="", by=webmaster)
    for _ in range(2):
        with committed():
            lifecycle.delete_mailbox(mailbox, by=webmaster)
        with committed():
            lifecycle.restore_mailbox(mailbox, by=webmaster)
    assert Mailbox.objects.get().login == "example0001"
    assert MemoryDriver.accounts["example0001"].enabled


def test_a_mailbox_that_was_never_made_uses_up_no_login(domain, webmaster):
    with pytest.raises(BadName):
        create_mailbox(domain, "bad name", name="", by=webmaster, login="intern01")
    create_mailbox(domain, "anna", name="", by=webmaster)
    with pytest.raises(IntegrityError):
        create_mailbox(domain, "anna", name="", by=webmaster, login="intern01")
    assert set(GivenLogin.objects.values_list("login", flat=True)) == {"example0001"}


def test_a_server_that_chooses_logins_may_give_one_again(domain, webmaster, monkeypatch, committed):
    """Virtualmin makes them of addresses, and deletes the mail with the mailbox."""
    monkeypatch.setattr(MemoryDriver, "limits", Limits(chooses_logins=True))
    for _ in range(2):
        assert purged(domain, "anna", webmaster, committed) == "anna@example.test"


# --- an untouched proposal


def test_two_tabs_with_the_same_proposal_both_make_their_mailbox(client, webmaster, domain, committed):
    client.force_login(webmaster)
    tabs = {"login": "example0001", "proposed_login": "example0001"}
    assert "a@example.test is made" in new(client, committed, local_part="a", **tabs)
    assert "b@example.test is made" in new(client, committed, local_part="b", **tabs)
    assert dict(Mailbox.objects.values_list("address", "login")) == {
        "a@example.test": "example0001",
        "b@example.test": "example0002",
    }


def test_a_colleague_of_another_customer_may_be_quicker(client, webmaster, neighbour, domain, committed):
    client.force_login(webmaster)
    seen = client.get(NEW).context["form"].initial["proposed_login"]
    with committed():
        create_mailbox(neighbour, "quick", name="", by=None, login=seen)
    assert "bert@example.test is made" in new(client, committed, login=seen, proposed_login=seen)
    assert Mailbox.objects.get(address="bert@example.test").login == "example0002"


def test_a_login_that_was_chosen_is_never_replaced_silently(client, webmaster, mailbox, committed):
    client.force_login(webmaster)
    page = new(client, committed, login="example0001", proposed_login="example0002")
    assert "This login is not free" in page
    assert not Mailbox.objects.filter(address="bert@example.test").exists()


def test_choosing_a_template_keeps_a_login_that_was_typed_and_no_proposal(
    client, webmaster, domain, committed
):
    client.force_login(webmaster)
    old = {"local_part": "x", "login": "example0001", "proposed_login": "example0001", "choose": "0"}
    create_mailbox(domain, "quick", name="", by=None)
    form = client.post(NEW, old).context["form"]
    assert (form["login"].value(), form["proposed_login"].value()) == ("example0002", "example0002")
    form = client.post(NEW, old | {"login": "mine"}).context["form"]
    assert (form["login"].value(), form["proposed_login"].value()) == ("mine", "example0002")


# --- adoption


def adopt(server: Server, *, returning: bool = False) -> list[PassedOver]:
    pieces = adopt_domain(
        server, MemoryDriver(), "example.test", limits=Limits(), by=None, returning=returning
    )
    return [told for piece in pieces for told in piece.passed_over]


def test_what_is_found_with_a_freed_login_is_taken_over_only_by_a_word(server, domain, webmaster, committed):
    login = purged(domain, "leaver", webmaster, committed)
    MemoryDriver.accounts[login] = AccountState(login, "anna@example.test", "", 0, enabled=True)
    [(address, why, values)] = adopt(server)
    assert (address, values) == ("anna@example.test", {"login": login})
    assert "removed for good" in why
    assert not Mailbox.objects.exists()
    assert adopt(server, returning=True) == []
    assert Mailbox.objects.get().login == login


def test_adopted_logins_are_given_to_nobody_else(server, domain):
    MemoryDriver.accounts["example0042"] = AccountState("example0042", "a@example.test", "", 0, enabled=True)
    adopt(server)
    assert GivenLogin.objects.get().login == "example0042"
    assert propose_login(domain) == "example0043"


def test_capitals_make_no_other_login(server, domain, client, webmaster, committed):
    """Dovecot takes both for one, and gives them the same home."""
    MemoryDriver.accounts["Intern01"] = AccountState("Intern01", "a@example.test", "", 0, enabled=True)
    adopt(server)
    client.force_login(webmaster)
    assert "This login is not free" in new(client, committed, login="intern01")
    assert Mailbox.objects.count() == 1


# --- tags


@pytest.mark.parametrize("typed", ["anna+work", "+", "anna+", "anna+work@example.test", "ANNA+Work"])
def test_an_address_with_a_tag_is_no_mailbox_however_it_is_made(typed, client, webmaster, domain, committed):
    client.force_login(webmaster)
    page = new(client, committed, local_part=typed)
    assert "is a tag: mail for it goes to the address before the +" in page
    with pytest.raises(BadName):
        create_mailbox(domain, typed, name="", by=webmaster)
    assert not Mailbox.objects.exists()


def test_a_server_with_another_mark_for_tags(domain, webmaster, monkeypatch):
    monkeypatch.setattr(MemoryDriver, "limits", replace(Limits(), tag_marks="-"))
    for typed in ("anna-marie", "anna+marie"):
        with pytest.raises(BadName):
            create_mailbox(domain, typed, name="", by=webmaster)


def test_adoption_tells_of_an_address_with_a_tag(server, domain):
    MemoryDriver.accounts["a"] = AccountState("a", "anna+work@example.test", "", 0, enabled=True)
    [(address, why, values)] = adopt(server)
    assert (address, values) == ("anna+work@example.test", {"mark": "+"})
    assert "nobody can sign in" in why
    assert Mailbox.objects.get().address == "anna+work@example.test"


def test_the_migration_begins_with_the_logins_of_today(mailbox, stranger):
    from importlib import import_module  # noqa: PLC0415 - its name begins with a digit

    from django.apps import apps  # noqa: PLC0415

    import_module("accounts.migrations.0025_given_login").note_those_of_mailboxes(apps, None)
    assert set(GivenLogin.objects.values_list("login", flat=True)) == {"example0001", "elsewh0001"}


def test_purged_means_the_server_said_so(domain, webmaster, committed):
    """Else the next one could be given what still lies there."""
    purged(domain, "leaver", webmaster, committed)
    assert not Change.objects.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="there one writes after the other")
def test_many_at_the_same_moment_all_get_a_login_of_their_own(server):
    """Webmasters of two customers whose logins look alike, who save what they were proposed."""
    names = ("example.test", "example.org")
    domains = [Domain.objects.create(name=name, server=server) for name in names]

    def make(number: int) -> str:
        try:
            return create_mailbox(domains[number % 2], f"m{number}", name="", by=None).login
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        logins = list(threads.map(make, range(24)))
    assert len(set(logins)) == 24
    assert set(GivenLogin.objects.values_list("login", flat=True)) == set(logins)
