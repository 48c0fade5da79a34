"""Sessions end by themselves, and whoever reads their table gets in nowhere."""

import json
import time

import pytest
from django.conf import settings
from django.core import serializers
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import KnownDevice, PersonSession
from audit.models import Event
from tests.conftest import PASSWORD
from tests.factors import add_app, code_of

ACCOUNT = "/account/"


def signed_in(name: str, code: str = "") -> Client:
    client = Client()
    client.post("/sign-in/", {"username": name, "password": PASSWORD})
    if code:
        client.post("/sign-in/code/", {"code": code})
    assert client.get(ACCOUNT).status_code == 200
    return client


@pytest.fixture
def willem(webmaster):
    webmaster.set_password(PASSWORD)
    webmaster.save()
    return webmaster


def test_nothing_in_the_table_of_sessions_opens_one(mailbox):
    client = signed_in(mailbox.address)
    [row] = json.loads(serializers.serialize("json", PersonSession.objects.all()))
    assert client.cookies[settings.SESSION_COOKIE_NAME].value not in json.dumps(row)
    thief = Client()
    for value in (row["pk"], *map(str, row["fields"].values())):
        thief.cookies[settings.SESSION_COOKIE_NAME] = value
        assert thief.get(ACCOUNT).status_code == 302


def test_a_session_that_is_ended_or_signed_out_of_is_gone_from_the_table(mailbox):
    client = signed_in(mailbox.address)
    client.post("/sign-out/")
    assert not PersonSession.objects.filter(person=mailbox.owner).exists()


def test_a_planted_key_begins_no_session_under_it(mailbox):
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = "a" * 32
    client.post("/sign-in/", {"username": mailbox.address, "password": PASSWORD})
    assert client.cookies[settings.SESSION_COOKIE_NAME].value != "a" * 32


def hours_left() -> float:
    row = PersonSession.objects.get(person__isnull=False)
    return (row.expire_date - timezone.now()).total_seconds() / 3600


def begun(client: Client, hours_ago: float) -> None:
    """As if the session had begun then and was visited ever since."""
    session = client.session
    moved = hours_ago * 3600
    session["started_at"] -= moved
    session["ends_at"] -= moved
    session["seen_at"] = time.time() - 400
    session.save()


def test_a_webmasters_session_ends_twelve_hours_after_it_began_however_often_it_is_visited(willem):
    client = signed_in("willem", code_of(add_app(willem)))
    begun(client, 11)
    assert client.get(ACCOUNT).status_code == 200
    assert hours_left() < 1.01
    begun(client, 1.01)
    assert client.get(ACCOUNT).status_code == 302


def test_a_mailbox_users_ends_after_two_weeks(mailbox):
    client = signed_in(mailbox.address)
    begun(client, 24 * 13.9)
    assert client.get(ACCOUNT).status_code == 200
    assert 2 < hours_left() < 2.5
    begun(client, 24 * 0.2)
    assert client.get(ACCOUNT).status_code == 302


def test_one_that_owes_the_second_step_ends_after_an_hour(willem):
    add_app(willem)
    client = Client()
    client.post("/sign-in/", {"username": "willem", "password": PASSWORD})
    assert client.get("/sign-in/code/").status_code == 200
    assert hours_left() < 1.01
    begun(client, 1.01)
    assert client.get("/sign-in/code/").status_code == 302


def test_one_that_nobody_uses_ends_after_twelve_hours(mailbox):
    signed_in(mailbox.address)
    assert 11.9 < hours_left() < 12.1


def test_the_hoster_may_choose_a_shorter_time(mailbox, settings):
    settings.MAILBOX_SESSION_DAYS = 0.25
    signed_in(mailbox.address)
    assert hours_left() < 6.1


def test_stepping_up_makes_it_no_longer(willem):
    app = add_app(willem)
    client = signed_in("willem", code_of(app))
    begun(client, 11)
    app.last_t = -1
    app.save()
    client.post("/sign-in/again/", {"next": ACCOUNT, "step_up_proof": code_of(app)})
    assert client.get(ACCOUNT).status_code == 200
    assert hours_left() < 1.01


# --- by hand: after a theft


def signed_out(*clients: Client) -> list[bool]:
    return [client.get(ACCOUNT).status_code == 302 for client in clients]


def test_an_operator_ends_all_sessions_of_somebody_by_any_of_their_names(mailbox, willem):
    add_app(willem)
    theirs, elsewhere, other = signed_in(mailbox.address), signed_in(mailbox.login), Client()
    other.force_login(willem)
    call_command("end_sessions", mailbox.login)
    assert signed_out(theirs, elsewhere, other) == [True, True, False]
    assert Event.objects.filter(verb="person.signed_out_everywhere").count() == 1
    assert not KnownDevice.objects.exists()


def test_or_of_everybody(mailbox, willem):
    theirs, other = signed_in(mailbox.address), Client()
    other.force_login(willem)
    call_command("end_sessions", everybody=True)
    assert signed_out(theirs, other) == [True, True]


def test_a_name_that_nobody_has_is_told(db):
    with pytest.raises(CommandError, match="has this name"):
        call_command("end_sessions", "nobody@example.test")
