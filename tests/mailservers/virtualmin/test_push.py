"""The whole road from a page to the simulated Virtualmin, and what is left of a password on it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from nacl.public import PrivateKey
from passlib.hash import sha512_crypt

from accounts.models import Mailbox
from accounts.services import change_password as keep_new_password
from accounts.services import create_mailbox
from fleet.virtualmin import Virtualmin
from mailservers.credentials import seal
from mailservers.models import Change, Observation, SealedPassword, Server
from mailservers.pushing import push_some
from tests.conftest import PASSWORD
from vacation.models import AutoReply

NEW = 'canary-7b1f9d "Über" + & sings'


@pytest.fixture(autouse=True)
def _keys(settings) -> None:
    key = PrivateKey.generate()
    settings.SEALING_PUBLIC_KEY, settings.SEALING_PRIVATE_KEY = key.public_key.encode(), key.encode()


@pytest.fixture
def server(db, virtualmin: Virtualmin) -> Server:
    virtualmin.create_domains("example.test")
    return Server.objects.create(
        name="moses",
        kind="virtualmin",
        endpoints=virtualmin.endpoints(),
        sealed_credentials=seal(virtualmin.credentials()),
    )


@pytest.fixture
def anna(mailbox: Mailbox, virtualmin: Virtualmin) -> Mailbox:
    """A mailbox that the server has already, signed in to by the name that the server gave it."""
    virtualmin.call(
        "create-user",
        domain="example.test",
        user="anna",
        real="Anna Jansen",
        quota="976563",
        **{"pass": PASSWORD},
    )
    mailbox.login = "anna.example"
    mailbox.save()
    return mailbox


def on_server(virtualmin: Virtualmin) -> dict[str, Any]:
    return virtualmin.state()["example.test"]["users"]["anna"]


def change_password(client, mailbox: Mailbox, new: str = NEW):
    client.force_login(mailbox.owner)
    fields = {"old_password": PASSWORD, "new_password": new, "new_password_again": new}
    return client.post(f"/mailboxes/{mailbox.address}/password/", fields, follow=True)


def newest() -> Change:
    return Change.objects.order_by("-pk")[0]


def test_a_new_password_goes_from_the_page_to_the_server_and_is_then_nowhere(
    client, anna, virtualmin, committed, running
):
    with committed():
        response = change_password(client, anna)
    assert "Your new password is saved" in response.content.decode()
    assert newest().state == Change.State.LIVE
    assert sha512_crypt.verify(NEW, on_server(virtualmin)["hash"])
    assert not SealedPassword.objects.exists()
    assert everywhere(running).count(NEW.encode()) == 0


def everywhere(running: Virtualmin) -> bytes:
    """Every value of the portal's tables, and the server's log, which never holds what was sent."""
    heap = [running.log.read_bytes(), (Path(running.directory) / "secrets.json").read_bytes()]
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            heap += [
                bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
                for row in cursor.fetchall()
                for value in row
            ]
    return b"\n".join(heap)


def test_while_the_server_is_away_it_waits_sealed(client, anna, virtualmin, committed, running):
    virtualmin.switch(faults=["503"] * 3)
    with committed():
        change_password(client, anna)
    assert newest().state == Change.State.WAITING
    assert SealedPassword.objects.count() == 1
    assert everywhere(running).count(NEW.encode()) == 0
    assert NEW.encode() not in newest().reason_text.encode()


def test_two_in_a_row_leave_the_newer_one(client, anna, virtualmin, committed, settings):
    with committed():
        settings.SEALING_PRIVATE_KEY, key = b"", settings.SEALING_PRIVATE_KEY
        change_password(client, anna)
    assert newest().state == Change.State.WAITING
    assert "lack the key" in newest().reason_text
    settings.SEALING_PRIVATE_KEY = key
    anna.owner.refresh_from_db()
    Mailbox.objects.filter(pk=anna.pk).update(password_hash=anna.password_hash)
    with committed():
        change_password(client, anna, "another-canary-55d1 sings")
    assert sha512_crypt.verify("another-canary-55d1 sings", on_server(virtualmin)["hash"])
    assert not SealedPassword.objects.exists()


def test_one_that_waited_too_long_is_asked_for_again(client, anna, virtualmin, committed):
    virtualmin.switch(faults=["503"] * 3)
    with committed():
        change_password(client, anna)
    SealedPassword.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    virtualmin.switch(faults=[])
    Change.objects.update(next_attempt_at=timezone.now())

    push_some(anna.server_id)
    assert newest().state == Change.State.FAILED
    assert "Please choose it again" in newest().reason_text
    assert sha512_crypt.verify(PASSWORD, on_server(virtualmin)["hash"])


def test_without_keys_the_page_says_so_and_changes_nothing(client, anna, settings):
    settings.SEALING_PUBLIC_KEY = b""
    response = change_password(client, anna)
    assert "no key yet" in response.content.decode()
    assert not Change.objects.exists()
    assert Mailbox.objects.get(pk=anna.pk).password_hash == anna.password_hash


def test_an_auto_reply_is_live_on_the_server_by_its_days(client, anna, virtualmin, committed):
    client.force_login(anna.owner)
    fields = {
        "enabled": "on",
        "subject": "",
        "text": "Guten Tag,\r\n\r\nbis Montag.",
        "starts": "2099-07-01T14:00",
        "ends": "2099-07-14T09:30",
        "version": "0",
    }
    with committed():
        client.post(f"/mailboxes/{anna.address}/auto-reply/", fields)
    assert newest().state == Change.State.LIVE, newest().reason_text
    reply = on_server(virtualmin)["reply"]
    assert (reply["on"], reply["text"]) == (True, "Guten Tag,\n\nbis Montag.\n")
    assert (reply["start"], reply["end"], reply["period"]) == ("2099-07-01", "2099-07-14", "604800")
    assert Observation.objects.get().aspect == "script"


def test_rules_of_its_own_stay_when_an_auto_reply_goes(client, anna, virtualmin, committed):
    virtualmin.call("modify-user", domain="example.test", user="anna", **{"add-forward": "home@x.test"})
    AutoReply.objects.create(mailbox=anna, enabled=True, text="x", starts=datetime(2026, 1, 1, tzinfo=UTC))
    client.force_login(anna.owner)
    with committed():
        client.post(f"/mailboxes/{anna.address}/auto-reply/", {"text": "x", "version": "0"})
    assert newest().state == Change.State.LIVE, newest().reason_text
    assert on_server(virtualmin)["forwards"] == ["home@x.test"]
    assert not on_server(virtualmin)["reply"]["on"]


def test_the_portal_learns_the_login_that_the_server_chose(domain, virtualmin, committed):
    with committed():
        made = create_mailbox(domain, "Nora", login="example0007", name="Nora: N", by=None)
    assert newest().state == Change.State.LIVE, newest().reason_text
    made.refresh_from_db()
    assert (made.address, made.login) == ("nora@example.test", "nora.example")
    assert virtualmin.state()["example.test"]["users"]["nora"]["real"] == "Nora N"
    with committed():
        keep_new_password(made, NEW, by=None)
    assert newest().state == Change.State.LIVE, newest().reason_text
    assert sha512_crypt.verify(NEW, virtualmin.state()["example.test"]["users"]["nora"]["hash"])


def test_people_are_told_that_it_is_a_simulation(client, anna, operator, server):
    client.force_login(anna.owner)
    assert "moses is a simulation" in client.get(f"/mailboxes/{anna.address}/").content.decode()
    client.force_login(operator)
    for path in (f"/domains/{anna.domain.name}/", "/servers/", "/servers/moses/"):
        assert "simulation" in client.get(path).content.decode()
    server.endpoints = {**server.endpoints, "simulation": False}
    server.save()
    for path in (f"/domains/{anna.domain.name}/", f"/mailboxes/{anna.address}/", "/servers/"):
        assert "simulation" not in client.get(path).content.decode()
