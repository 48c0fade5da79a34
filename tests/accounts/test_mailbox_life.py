"""What webmasters do with mailboxes: make, change, switch off, delete, bring back; and what servers hold."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import lifecycle, logins, purging
from accounts.models import Alias, Domain, Mailbox
from audit.chain import record
from mailservers import outbox
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change
from tests.conftest import step_up

NEW = "/domains/example.test/new-mailbox/"
URL = "/mailboxes/anna@example.test/"
BACKEND = "accounts.backends.PersonBackend"


@pytest.fixture
def as_webmaster(client, webmaster):
    client.force_login(webmaster, BACKEND)
    step_up(client)
    return client


@pytest.fixture
def live(mailbox, committed):
    with committed():
        outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    return mailbox


def post(client, committed, url, **values):
    with committed():
        answer = client.post(url, values, follow=True)
    return " ".join(answer.content.decode().split())


def new(client, committed, **values):
    given = {"local_part": "bert", "name": "Bert", "login": "example0007", "quota_bytes": "500 MB"}
    return post(client, committed, NEW, **(given | values))


def test_a_new_mailbox_is_on_the_server_and_nobody_can_sign_in_yet(as_webmaster, domain, committed):
    page = new(as_webmaster, committed, recovery_address="bert@home.test")
    assert "bert@example.test is made" in page
    page = as_webmaster.get("/mailboxes/bert@example.test/").content.decode()
    assert "On the server ✓" in page
    assert "not possible yet: no password is set" in page
    held = MemoryDriver.accounts["example0007"]
    assert (held.address, held.quota_bytes, held.password_hash) == ("bert@example.test", 500 * 1024**2, "")
    assert Mailbox.objects.get(address="bert@example.test").recovery_address == "bert@home.test"
    assert (
        "You created the mailbox"
        in as_webmaster.get("/mailboxes/bert@example.test/history/").content.decode()
    )


def test_a_login_in_the_servers_style_is_proposed(as_webmaster, mailbox):
    assert 'value="example0002"' in as_webmaster.get(NEW).content.decode()


@pytest.mark.parametrize(
    ("name", "proposed"),
    [("xn--mnchen-3ya.test", "xnmnche0001"), ("1a-b.c.test", "1ab0001"), ("---.test", "mailbox0001")],
)
def test_logins_are_made_of_plain_letters(server, name, proposed):
    assert logins.propose_login(Domain.objects.create(name=name, server=server)) == proposed


def test_the_whole_address_may_be_typed(as_webmaster, domain, committed):
    assert "bert@example.test is made" in new(as_webmaster, committed, local_part=" Bert@Example.test ")


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("local_part", "", "This field is required."),
        ("local_part", "bert@elsewhere.test", "This address is not in example.test"),
        ("local_part", "bert jansen", "No blanks, no accents."),
        ("local_part", "bért", "is not one of the letters a to z"),
        ("local_part", "аnna", "though it may look like one"),
        ("local_part", "bert..jansen", "No blanks, no accents."),
        ("local_part", '"bert"', "No blanks, no accents."),
        ("local_part", "<b>bert</b>", "No blanks, no accents."),
        ("local_part", "b" * 65, "at most 64"),
        ("local_part", "anna", "There is a mailbox with this address already."),
        ("local_part", "ANNA", "There is a mailbox with this address already."),
        ("local_part", "info", "This address is an alias already."),
        ("local_part", "Postmaster", "is no ordinary address"),
        ("login", "example0001", "This login is not free, or was somebody"),
        ("login", "bert jansen", "A login is made of the letters a to z"),
        ("quota_bytes", "-1 GB", "Write a number and a unit"),
        ("quota_bytes", "0 GB", "This is no room at all."),
        ("recovery_address", "bert@example.test", "This is the mailbox itself"),
        ("recovery_address", "bert", "is not a mail address"),
    ],
)
def test_bad_input_is_told_and_what_was_typed_stays(
    as_webmaster, mailbox, domain, committed, field, typed, told
):
    Alias.objects.create(address="info@example.test", domain=domain)
    before = Mailbox.objects.count()
    page = new(as_webmaster, committed, **{field: typed, "name": "Bert & <i>Co</i>"})
    assert told in page
    assert "Bert &amp; &lt;i&gt;Co&lt;/i&gt;" in page
    assert Mailbox.objects.count() == before


def test_a_quota_may_be_typed_as_in_dutch(as_webmaster, domain, committed):
    new(as_webmaster, committed, quota_bytes="1,5 GB")
    assert Mailbox.objects.get(address="bert@example.test").quota_bytes == 3 * 1024**3 // 2


def test_a_domain_has_no_more_mailboxes_than_it_may(as_webmaster, mailbox, domain, committed):
    Domain.objects.update(max_mailboxes=1)
    assert "The domain may have 1 mailboxes, and has them." in new(as_webmaster, committed)
    assert Mailbox.objects.count() == 1


def test_a_domain_gives_no_more_room_than_it_has(as_webmaster, mailbox, domain, committed):
    Domain.objects.update(max_quota_bytes=mailbox.quota_bytes)
    assert "too little room left" in new(as_webmaster, committed)
    assert Mailbox.objects.count() == 1


def test_name_and_recovery_address_are_changed(as_webmaster, live, committed):
    page = post(
        as_webmaster, committed, URL + "edit/", name="Anna de Vries", recovery_address="a@home.test",
        seen_name="Anna Jansen", seen_recovery_address="",
    )  # fmt: skip
    assert "Anna de Vries" in page
    live.refresh_from_db()
    assert (live.name, live.recovery_address) == ("Anna de Vries", "a@home.test")


def test_of_two_tabs_the_later_one_overwrites_nothing(as_webmaster, live, committed):
    seen = {"seen_name": "Anna Jansen", "seen_recovery_address": ""}
    post(as_webmaster, committed, URL + "edit/", name="Anna de Vries", recovery_address="", **seen)
    page = post(as_webmaster, committed, URL + "edit/", name="A. Jansen", recovery_address="", **seen)
    assert "Somebody changed this mailbox while you were typing" in page
    assert "Anna de Vries" in page
    assert 'value="A. Jansen"' in page
    live.refresh_from_db()
    assert live.name == "Anna de Vries"
    # What the page holds now is what they saw: saving it again means it.
    again = dict(re.findall(r'name="(\w+)"[^>]*? value="([^"]*)"', page))
    again |= {"name": "A. Jansen"}
    post(as_webmaster, committed, URL + "edit/", **again)
    live.refresh_from_db()
    assert live.name == "A. Jansen"


def test_two_tabs_may_change_different_things(as_webmaster, live, committed):
    seen = {"seen_name": "Anna Jansen", "seen_recovery_address": ""}
    post(as_webmaster, committed, URL + "edit/", name="Anna de Vries", recovery_address="", **seen)
    post(as_webmaster, committed, URL + "edit/", name="Anna Jansen", recovery_address="a@home.test", **seen)
    live.refresh_from_db()
    assert (live.name, live.recovery_address) == ("Anna de Vries", "a@home.test")


def test_switched_off_nobody_signs_in_anywhere(as_webmaster, client, live, owner, committed):
    sessions_were = owner.password
    page = post(as_webmaster, committed, URL + "switch/", enabled="off")
    assert "Signing in is switched off" in page
    assert not MemoryDriver.accounts["example0001"].enabled
    assert "example0001" in MemoryDriver.ended_sessions
    owner.refresh_from_db()
    assert owner.password != sessions_were
    page = post(as_webmaster, committed, URL + "switch/", enabled="on")
    assert "Signing in works again" in page
    assert MemoryDriver.accounts["example0001"].enabled


def test_deleting_wants_the_address_typed(as_webmaster, live, committed):
    page = post(as_webmaster, committed, URL + "delete/", address="anne@example.test")
    assert "Nothing was deleted." in page
    assert Mailbox.objects.alive().filter(pk=live.pk).exists()


def test_a_deleted_mailbox_is_off_its_address_blocked_and_it_can_come_back(as_webmaster, live, committed):
    page = post(as_webmaster, committed, URL + "delete/", address="Anna@example.test")
    assert "It can be brought back from this list." in page
    assert not MemoryDriver.accounts["example0001"].enabled
    assert as_webmaster.get(URL).status_code == 404
    assert "A deleted mailbox keeps this address until" in new(as_webmaster, committed, local_part="anna")
    page = post(as_webmaster, committed, "/deleted/anna@example.test/restore/")
    assert "anna@example.test is back, as it was." in page
    assert MemoryDriver.accounts["example0001"].enabled
    assert "You brought the mailbox back" in as_webmaster.get(URL + "history/").content.decode()


def test_one_that_was_off_comes_back_off(as_webmaster, live, committed):
    post(as_webmaster, committed, URL + "switch/", enabled="off")
    post(as_webmaster, committed, URL + "delete/", address="anna@example.test")
    post(as_webmaster, committed, "/deleted/anna@example.test/restore/")
    assert not MemoryDriver.accounts["example0001"].enabled


def test_it_comes_back_only_where_there_is_a_place(as_webmaster, live, domain, committed):
    post(as_webmaster, committed, URL + "delete/", address="anna@example.test")
    new(as_webmaster, committed)
    Domain.objects.update(max_mailboxes=1)
    page = post(as_webmaster, committed, "/deleted/anna@example.test/restore/")
    assert "The domain may have 1 mailboxes, and has them." in page
    assert Mailbox.objects.deleted().count() == 1


def test_when_its_time_is_over_nothing_is_left_of_it(as_webmaster, live, committed):
    post(as_webmaster, committed, URL + "delete/", address="anna@example.test")
    Mailbox.objects.update(purge_after=timezone.now() - timedelta(seconds=1))
    assert as_webmaster.post("/deleted/anna@example.test/restore/").status_code == 404
    with committed():
        assert purging.purge_mailboxes() == 0
    assert "example0001" not in MemoryDriver.accounts
    assert purging.purge_mailboxes() == 1
    assert not Mailbox.objects.exists()
    assert "anna@example.test" not in as_webmaster.get("/domains/example.test/deleted/").content.decode()


def test_what_the_server_still_has_is_not_forgotten(live, webmaster, committed):
    lifecycle.delete_mailbox(live, by=webmaster)
    Mailbox.objects.update(purge_after=timezone.now() - timedelta(seconds=1))
    Change.objects.all().update(state=Change.State.LIVE)
    purging.purge_mailboxes()
    assert purging.purge_mailboxes() == 0
    assert Mailbox.objects.exists()


def test_the_list_can_be_narrowed(as_webmaster, live, committed):
    new(as_webmaster, committed)
    page = as_webmaster.get("/domains/example.test/?show=no-password").content.decode()
    assert "bert@example.test" in page
    assert "anna@example.test" not in page
    assert "No mailbox is so" in as_webmaster.get("/domains/example.test/?show=off").content.decode()


def test_who_opens_a_deleted_mailbox_reads_who_deleted_it_and_where_it_comes_back(
    as_webmaster, live, stranger, committed
):
    post(as_webmaster, committed, URL + "delete/", address="anna@example.test")
    for page in ("", "auto-reply/", "history/"):
        answer = as_webmaster.get(URL + page)
        assert answer.status_code == 404
        shown = answer.content.decode()
        assert "This mailbox is deleted" in shown
        assert " by Willem" in shown or " by willem" in shown
        assert 'href="/domains/example.test/deleted/"' in shown


def test_to_a_stranger_a_deleted_mailbox_is_no_other_than_none(
    as_webmaster, live, client, stranger, committed
):
    post(as_webmaster, committed, URL + "delete/", address="anna@example.test")
    client.force_login(stranger, BACKEND)
    shown = client.get(URL)
    assert shown.status_code == 404
    assert "deleted" not in shown.content.decode()
