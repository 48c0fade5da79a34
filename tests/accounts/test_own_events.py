"""What people do to their own account is recorded, also what did not work."""

import pytest
from django.core.management import call_command

from audit.models import Event
from mailservers.credentials import seal
from tests.conftest import PASSWORD
from tests.factors import add_app


@pytest.fixture
def willem(webmaster):
    webmaster.set_password(PASSWORD)
    webmaster.save()
    add_app(webmaster)
    return webmaster


def recorded():
    events = Event.objects.order_by("number").values_list("verb", "outcome", "by_name", "subject")
    return [tuple(event) for event in events]


def test_a_wrong_code_is_an_event(client, willem):
    client.post("/sign-in/", {"username": "willem", "password": PASSWORD})
    client.post("/sign-in/code/", {"code": "000000"})
    assert ("person.code_failed", "failed", "", "willem") in recorded()


def test_failing_to_step_up_is_an_event(client, willem):
    client.force_login(willem)
    client.post("/account/data/", {"step_up_proof": "not this one"})
    assert recorded() == [("person.step_up_failed", "failed", "willem", "willem")]


def test_ones_own_settings_are_an_event_when_they_change(client, owner):
    client.force_login(owner)
    for _ in range(2):
        client.post("/settings/", {"language": "nl", "time_zone": "Europe/Brussels"})
    client.post("/language/", {"language": "fr"})
    told = Event.objects.filter(verb="person.settings_changed").order_by("number")
    assert [event.after["language"] for event in told] == ["nl", "fr"]
    assert told[0].before == {"language": "", "time_zone": ""}


def test_new_keys_for_a_servers_credentials_are_an_event_without_them(server):
    server.sealed_credentials = seal({"password": "canary"})
    server.save()
    call_command("rotate_credentials", dry_run=True)
    call_command("rotate_credentials")
    event = Event.objects.get(verb="server.credentials_resealed")
    assert (event.subject, event.before, event.after) == ("maximusconfessor", None, None)
