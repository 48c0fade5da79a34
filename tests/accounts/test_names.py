"""One name space: whom a name leads to, and which names nobody new may have."""

import threading
import unicodedata

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, connections
from django.test import Client

from accounts.checks import one_name_leads_to_one
from accounts.models import Domain, Mailbox, Person
from accounts.names import NameTaken, who_is
from accounts.naming import BadName, folded
from accounts.people import invite, rename
from accounts.services import create_mailbox
from audit.models import Event
from mailservers.models import Server
from tests.conftest import PASSWORD, PASSWORD_HASH, step_up

NEW = {"local_part": "eve", "name": "Eve", "quota_bytes": "1 GB"}


@pytest.fixture
def staff(operator):
    """The operator, with a password of their own."""
    operator.set_password("the operator's own one")
    operator.save()
    return operator


@pytest.fixture
def idn_mailbox(server, owner):
    domain = Domain.objects.create(name="xn--bcher-kva.test", server=server)
    return Mailbox.objects.create(
        address="info@xn--bcher-kva.test",
        domain=domain,
        server=server,
        login="bucher0001",
        quota_bytes=0,
        password_hash=PASSWORD_HASH,
        owner=owner,
    )


def sign_in(name, password=PASSWORD, client=None):
    client = client or Client()
    client.post("/sign-in/", {"username": name, "password": password})
    return client.session.get("_auth_user_id")


KNOWN = [
    "info@bücher.test",
    unicodedata.normalize("NFD", "info@bücher.test"),
    "INFO@BÜCHER.TEST",
    "info@xn--bcher-kva.test",
    "Info@XN--BCHER-KVA.test",
    " info@bücher.test. ",
    "info@bücher.test\u200b",
    "info＠bücher.test",
    "info@bücher。test",
    "BUCHER0001",
]


@pytest.mark.parametrize("typed", KNOWN)
def test_people_of_an_idn_domain_sign_in_with_the_address_they_know(idn_mailbox, typed):
    assert sign_in(typed) == str(idn_mailbox.owner.pk)


@pytest.mark.parametrize("typed", KNOWN[:-1])
def test_deleting_takes_the_address_as_it_is_known(client, idn_mailbox, operator, typed):
    client.force_login(operator)
    step_up(client)
    client.post("/mailboxes/info@xn--bcher-kva.test/delete/", {"address": typed})
    assert Mailbox.objects.get(pk=idn_mailbox.pk).deleted_at


@pytest.mark.parametrize("typed", ["bücher", "info@bücher.test", "BÜCHER.test", "xn--bcher"])
def test_search_finds_it_by_the_address_that_is_known(idn_mailbox, mailbox, typed):
    assert list(Mailbox.objects.matching(typed)) == [idn_mailbox]


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "@",
        "a@",
        "@b",
        "\0",
        "\ud800",
        "x" * 9999,
        "a@b@c",
        "é" * 400,
        "a@" + "ü" * 99,
        "ﷺ" * 320,
        "ﷺ" * 9 + "@a.test",
    ],
)
def test_folding_takes_anything(typed):
    assert folded(folded(typed)) == folded(typed)
    assert len(folded(typed)) <= 320


def test_a_mailbox_gets_no_login_that_is_a_user_name(client, domain, webmaster, staff):
    client.force_login(webmaster)
    for login in ("olga", "OLGA", " olga"):
        page = client.post("/domains/example.test/new-mailbox/", {**NEW, "login": login})
        assert "This login is not free" in page.content.decode()
    with pytest.raises(NameTaken):
        create_mailbox(domain, "eve", login="olga", name="", by=webmaster)
    assert not Mailbox.objects.exists()


def test_nor_one_that_a_mailbox_on_another_server_has(mailbox, webmaster):
    elsewhere = Domain.objects.create(
        name="far.test", server=Server.objects.create(name="basil", kind="memory")
    )
    with pytest.raises(IntegrityError):
        create_mailbox(elsewhere, "eve", login=mailbox.login, name="", by=webmaster)


def test_nor_one_of_a_deleted_mailbox_or_somebodys_address(mailbox, domain, webmaster, committed):
    Mailbox.objects.update(deleted_at="2026-01-01T00:00Z", purge_after="2099-01-01T00:00Z")
    for login in (mailbox.login, mailbox.address):
        with pytest.raises(IntegrityError):
            create_mailbox(domain, "eve", login=login, name="", by=webmaster)


def test_nor_an_address_that_is_somebodys_user_name(client, domain, webmaster):
    Person.objects.create(username="eve@example.test", is_support=True)
    client.force_login(webmaster)
    page = client.post("/domains/example.test/new-mailbox/", {**NEW, "login": "eve1"})
    assert "with eve@example.test as user name" in page.content.decode()


@pytest.mark.parametrize(
    "username", ["example0001", "EXAMPLE0001", "anna@example.test", "new@example.test", "x@EXAMPLE.test."]
)
def test_nobody_is_invited_with_a_mailboxs_name(client, mailbox, operator, username):
    client.force_login(operator)
    given = {"username": username, "name": "Eve", "email": "eve@far.test", "role": "support"}
    page = client.post("/people/invite/", given)
    assert "is-invalid" in page.content.decode()
    assert not Person.objects.filter(email="eve@far.test").exists()


def test_not_even_by_the_service(mailbox, operator):
    with pytest.raises(NameTaken):
        invite(Person(username="example0001"), domains=[], by=operator)


@pytest.mark.parametrize("username", ["Eve", "eve ", "eve@", "new@example.test", ""])
def test_no_service_gives_a_name_that_the_page_refuses(domain, operator, username):
    with pytest.raises(BadName):
        invite(Person(username=username, name="Eve", is_support=True), domains=[], by=operator)
    with pytest.raises(BadName):
        rename(operator, username, by=None)


@pytest.mark.parametrize("username", ["eve.", "eve@", "eve-", "@eve", "еve"])
def test_a_user_name_begins_and_ends_with_a_letter_or_digit(client, operator, username):
    client.force_login(operator)
    given = {"username": username, "name": "Eve", "email": "eve@far.test", "role": "support"}
    page = client.post("/people/invite/", given)
    assert "is-invalid" in page.content.decode()
    assert not Person.objects.filter(email="eve@far.test").exists()


# --- those that collide already


@pytest.fixture
def evil(domain, staff):
    """A mailbox whose login, chosen by a mail server, is the operator's user name."""
    return Mailbox.objects.create(
        address="evil1@example.test",
        domain=domain,
        server=domain.server,
        login="olga",
        quota_bytes=0,
        password_hash=PASSWORD_HASH,
    )


def test_a_user_name_goes_before_a_login(evil, staff):
    assert sign_in("olga") is None
    assert sign_in("evil1@example.test") is not None
    assert sign_in("olga", "the operator's own one") == str(staff.pk)


def test_tries_at_it_are_about_the_person_and_never_about_the_mailbox(evil, staff):
    sign_in("olga", "wrong")
    assert [(event.subject_kind, event.subject_id) for event in Event.objects.all()] == [
        ("accounts.person", staff.pk)
    ]


def test_an_address_goes_before_a_login(evil, mailbox):
    Mailbox.objects.filter(pk=evil.pk).update(login="anna@example.test")
    assert [each.pk for each in who_is("anna@example.test").mailboxes] == [mailbox.pk]


def test_of_one_login_on_two_servers_the_password_decides(mailbox, other_domain):
    far = Server.objects.create(name="basil", kind="memory")
    Mailbox.objects.create(
        address="far@elsewhere.test", domain=other_domain, server=far, login="example0001", quota_bytes=0
    )
    assert sign_in("example0001") == str(mailbox.owner.pk)
    sign_in("example0001", "wrong")
    assert {event.subject for event in Event.objects.filter(verb="person.sign_in_failed")} == {
        "anna@example.test",
        "far@elsewhere.test",
    }


def test_the_portal_says_which_names_collide(evil, mailbox, other_domain):
    far = Server.objects.create(name="basil", kind="memory")
    Mailbox.objects.create(
        address="far@elsewhere.test", domain=other_domain, server=far, login="example0001", quota_bytes=0
    )
    (told,) = one_name_leads_to_one(None, databases=["default"])
    assert "olga (a user name and a login)" in told.msg
    assert "example0001 (a login on two servers)" in told.msg
    assert one_name_leads_to_one(None) == []


def test_it_says_nothing_where_none_does(mailbox, staff):
    assert one_name_leads_to_one(None, databases=["default"]) == []


def test_an_operator_gives_somebody_another_user_name(evil, staff):
    call_command("rename_person", "olga", "olga2")
    staff.refresh_from_db()
    assert staff.username == "olga2"
    with pytest.raises(Exception, match="already"):
        call_command("rename_person", "olga2", "olga")


@pytest.mark.sql
@pytest.mark.parametrize("second", ["a login elsewhere", "a user name"])
def test_of_two_at_the_same_moment_one_gets_the_name(
    transactional_db, domain, other_domain, webmaster, operator, second
):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite has one writer at a time: nothing to prove")
    outcomes, both = [], threading.Barrier(2)

    def give(step):
        try:
            both.wait(5)
            step()
            outcomes.append("given")
        except IntegrityError:
            outcomes.append("refused")
        finally:
            connections.close_all()

    def elsewhere():
        if second == "a user name":
            invite(Person(username="wanted", is_support=True), domains=[], by=operator)
        else:
            create_mailbox(other_domain, "b", login="wanted", name="", by=operator)

    steps = [lambda: create_mailbox(domain, "a", login="wanted", name="", by=webmaster), elsewhere]
    threads = [threading.Thread(target=give, args=[step]) for step in steps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["given", "refused"]
