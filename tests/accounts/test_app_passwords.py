import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from django.utils import timezone

from accounts import app_passwords
from accounts.models import AppPassword, Notice
from accounts.personal import known_about
from accounts.tasks import read_app_password_use, read_use_on
from audit.models import Event
from mailservers import drift
from mailservers.drivers.base import AppPasswordState, Limits, ServerAway
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Observation
from tests.conftest import PASSWORD, PASSWORD_HASH

LIST = "/mailboxes/anna@example.test/app-passwords/"
MAKE, END, END_ALL, SWITCH = (f"{LIST}{what}/" for what in ("make", "end", "end-all", "switch"))
SHOWN = re.compile(r">((?:[a-z2-7]{4}-){5}[a-z2-7]{4})<")


pytestmark = pytest.mark.sql


@pytest.fixture
def anna(client, mailbox):
    client.force_login(mailbox.owner)
    return client


@pytest.fixture
def made(mailbox, committed):
    """One on her server, and its text."""
    with committed():
        return app_passwords.make_app_password(mailbox, "phone", by=mailbox.owner)


def make(client, name="phone", proof=PASSWORD):
    return client.post(MAKE, {"name": name, "step_up_proof": proof})


def test_it_is_shown_once_and_its_hash_is_on_the_server(anna, mailbox, committed):
    with committed():
        page = make(anna)
    (clear,) = SHOWN.findall(page.content.decode())
    assert "no-store" in page["Cache-Control"]
    (held,) = MemoryDriver.accounts[mailbox.login].app_passwords
    assert app_passwords.is_one_of(mailbox, clear)
    assert clear not in held.password_hash
    listed = anna.get(LIST).content.decode()
    assert "phone" in listed
    assert "not used yet" in listed
    assert clear not in listed


def test_making_one_asks_for_the_password_again(anna, mailbox):
    assert "Is it still you?" in anna.post(MAKE, {"name": "phone"}).content.decode()
    assert not AppPassword.objects.exists()


def test_one_without_a_name_is_not_made(anna, mailbox):
    page = make(anna, "  ").content.decode()
    assert "This field is required" in page
    assert not AppPassword.objects.exists()


def test_no_more_than_anybody_has_devices(anna, mailbox, monkeypatch):
    monkeypatch.setattr(app_passwords, "MOST", 1)
    make(anna)
    page = anna.post(MAKE, {"name": "my tablet"}).content.decode()
    assert "There are 1 app passwords already" in page
    assert 'value="my tablet"' in page


def test_an_ended_one_ends_what_is_open_and_leaves_the_others(anna, mailbox, made, committed):
    app_passwords.make_app_password(mailbox, "tablet", by=mailbox.owner)
    with committed():
        anna.post(END, {"number": made[0].pk})
    assert MemoryDriver.ended_sessions == [mailbox.login]
    assert len(MemoryDriver.accounts[mailbox.login].app_passwords) == 1


def test_ending_all_of_them(anna, mailbox, made, committed):
    app_passwords.make_app_password(mailbox, "tablet", by=mailbox.owner)
    with committed():
        page = anna.post(END_ALL, follow=True).content.decode()
    assert "2 app passwords are ended" in page
    assert MemoryDriver.accounts[mailbox.login].app_passwords == ()
    assert app_passwords.end_all_app_passwords(mailbox, None) == 0


def test_the_webmaster_sees_and_ends_but_never_makes_one(client, webmaster, mailbox, made):
    webmaster.set_password(PASSWORD)
    webmaster.save()
    client.force_login(webmaster)
    page = client.get(LIST).content.decode()
    assert "phone" in page
    assert "Make an app password" not in page
    assert make(client, "theirs").status_code == 404
    client.post(END, {"number": made[0].pk})
    assert not AppPassword.objects.exists()
    assert Event.objects.get(verb="mailbox.app_password_ended").by == webmaster


def test_support_sees_them_and_ends_none(client, support, mailbox, made, looked_up):
    client.force_login(support)
    assert "phone" in client.get(LIST).content.decode()
    assert client.post(END, {"number": made[0].pk}).status_code == 404


def test_one_of_another_mailbox_is_not_there(client, stranger, mailbox, made):
    client.force_login(stranger)
    client.post("/mailboxes/bert@elsewhere.test/app-passwords/end/", {"number": made[0].pk})
    assert AppPassword.objects.count() == 1


@pytest.mark.parametrize("number", ["", "x", "²", "9" * 40, "-1"])
def test_a_number_that_is_none(anna, mailbox, number):
    assert "ended already" in anna.post(END, {"number": number}, follow=True).content.decode()


def test_it_never_opens_the_portal(client, mailbox, made):
    answer = client.post("/sign-in/", {"username": mailbox.address, "password": made[1]})
    assert answer.status_code == 200


def test_not_even_where_only_the_mail_server_knows_the_password(client, mailbox, made):
    mailbox.server.imap_host = "imap.test"
    mailbox.server.save()
    mailbox.password_hash = "{CRYPT}$y$unknown"
    mailbox.save()
    MemoryDriver.passwords[mailbox.address] = MemoryDriver.passwords[mailbox.login] = made[1]
    answer = client.post("/sign-in/", {"username": mailbox.address, "password": made[1]})
    assert answer.status_code == 200
    client.force_login(mailbox.owner)
    assert "This is not your password." in make(client, proof=made[1]).content.decode()


def test_whose_password_the_portal_does_not_know_changes_it_first(anna, mailbox):
    mailbox.password_hash = "{CRYPT}$y$unknown"
    mailbox.save()
    assert "Change the password here first" in anna.get(LIST).content.decode()
    with pytest.raises(app_passwords.NotHere):
        app_passwords.make_app_password(mailbox, "phone", by=mailbox.owner)


def test_a_server_that_keeps_none(anna, mailbox, monkeypatch):
    monkeypatch.setattr(MemoryDriver, "limits", Limits(app_passwords=False))
    page = anna.get(LIST).content.decode()
    assert "keeps no app passwords" in page
    assert "Make it" not in page
    assert "keeps no app passwords just now" in make(anna).content.decode()


def test_by_app_passwords_alone_the_server_knows_no_other_password(anna, mailbox, made, committed):
    with committed():
        page = anna.post(SWITCH, {"alone": "1", "step_up_proof": PASSWORD}, follow=True).content.decode()
    assert "for the portal only" in page
    assert MemoryDriver.accounts[mailbox.login].password_hash == ""
    assert MemoryDriver.ended_sessions == [mailbox.login]
    assert anna.post("/sign-in/", {"username": mailbox.address, "password": PASSWORD}).status_code == 302
    with committed():
        anna.post(SWITCH)
    assert Notice.objects.filter(kind="password-lets-in", mailbox=mailbox).exists()
    assert MemoryDriver.accounts[mailbox.login].password_hash == mailbox.password_hash


def test_the_set_up_card_then_asks_for_one(anna, mailbox):
    mailbox.server.imap_host = mailbox.server.smtp_host = "mail.example.test"
    mailbox.server.save()
    card = "/mailboxes/anna@example.test/set-up/"
    assert "an app password, made under Password" not in anna.get(card).content.decode()
    mailbox.only_app_passwords = True
    mailbox.save()
    assert "an app password, made under Password" in anna.get(card).content.decode()


def test_not_by_app_passwords_alone_before_there_is_one(anna, mailbox):
    page = anna.post(SWITCH, {"alone": "1", "step_up_proof": PASSWORD}, follow=True).content.decode()
    assert "Make an app password first" in page
    mailbox.refresh_from_db()
    assert not mailbox.only_app_passwords


def test_events_tell_the_device_and_no_secret(mailbox, made):
    app_passwords.end_app_password(mailbox, made[0].pk, by=None)
    events = list(Event.objects.filter(verb__startswith="mailbox.app_password").order_by("pk"))
    assert [(event.before, event.after) for event in events] == [
        (None, {"device": "phone"}),
        ({"device": "phone"}, None),
    ]


def test_when_it_was_last_used_is_read_from_the_server(anna, mailbox, made):
    used = timezone.now().replace(microsecond=0)
    MemoryDriver.used_app_passwords.update({made[0].pk: used, made[0].pk + 1: used})
    assert read_app_password_use() == 1
    assert AppPassword.objects.get().last_used_at == used
    assert "last used" in anna.get(LIST).content.decode()


def test_a_server_that_is_away_is_asked_the_next_time(mailbox, made):
    MemoryDriver.used_app_passwords[made[0].pk] = datetime(2026, 1, 1, tzinfo=UTC)
    MemoryDriver.failures.append(ServerAway("away"))
    read_use_on(mailbox.server_id)
    assert AppPassword.objects.get().last_used_at is None


def test_one_that_somebody_wrote_into_the_servers_table_is_found(mailbox, made, committed):
    held = MemoryDriver.accounts[mailbox.login]
    forged = AppPasswordState(999, "0000", "{PLAIN}forged")
    MemoryDriver.accounts[mailbox.login] = replace(held, app_passwords=(*held.app_passwords, forged))
    with committed():
        drift.request_check(mailbox.server)
    drifted = Observation.objects.get(mailbox=mailbox, aspect="account")
    assert drifted.differences_told == ["1 app passwords there are not from this portal."]
    assert drifted.held is None


def test_what_is_kept_from_the_server_leaves_the_portals_own_password(mailbox, made, committed):
    """The server knows none then: that is no password to take over."""
    with committed():
        app_passwords.let_in_by_app_passwords_alone(mailbox, by=mailbox.owner)
    held = MemoryDriver.accounts[mailbox.login]
    MemoryDriver.accounts[mailbox.login] = replace(held, quota_bytes=7)
    with committed():
        drift.request_check(mailbox.server)
    seen = Observation.objects.get(mailbox=mailbox, aspect="account").mark
    with committed():
        drift.keep_theirs(mailbox, "account", seen=seen, by=None)
    mailbox.refresh_from_db()
    assert (mailbox.quota_bytes, mailbox.password_hash) == (7, PASSWORD_HASH)
    assert MemoryDriver.accounts[mailbox.login].password_hash == ""


def test_a_password_that_somebody_wrote_there_is_not_taken_over(mailbox, made, committed):
    with committed():
        app_passwords.let_in_by_app_passwords_alone(mailbox, by=mailbox.owner)
    held = MemoryDriver.accounts[mailbox.login]
    MemoryDriver.accounts[mailbox.login] = replace(held, password_hash="{PLAIN}forged")
    with committed():
        drift.request_check(mailbox.server)
    assert Observation.objects.get(mailbox=mailbox, aspect="account").held is None


def test_what_the_portal_knows_of_a_person_holds_them_without_their_hash(mailbox, made):
    lines = "".join(known_about(mailbox.owner))
    assert '"kind": "apppassword"' in lines
    assert '"name": "phone"' in lines
    assert made[0].selector not in lines.replace(mailbox.server.name, "")
    assert "$6$" not in lines


def test_deleted_for_good_it_is_gone(mailbox, made):
    Change.objects.all().delete()
    mailbox.delete()
    assert not AppPassword.objects.exists()
