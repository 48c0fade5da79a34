"""No page asks the database often, whoever looks at it and however much there is."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Alias, AliasTarget, Mailbox, RedirectAlarm, SupportGrant
from audit.chain import record
from mailservers import outbox
from mailservers.models import Change, Observation, Usage
from quotas.models import QuotaRequest
from tests.conftest import PASSWORD
from tests.portal.test_urls import OK, TABLE, URLS, WHO, change, people  # noqa: F401 - fixtures
from vacation.models import AutoReply, Forwarding, ForwardingTarget, SettingRequest

MOST = 8
# What begins, ends or parts a transaction asks for nothing.
FRAMES = ("BEGIN", "SAVEPOINT", "RELEASE", "COMMIT")


@pytest.fixture
def full(domain, mailbox, people, change):  # noqa: F811
    """A mailbox of which everything is told that a page can tell, and more beside it than a page shows."""
    more = Mailbox.objects.bulk_create(
        Mailbox(
            address=f"m{number}@example.test",
            domain=domain,
            server=domain.server,
            login=f"example1{number:03}",
            quota_bytes=10**9,
        )
        for number in range(59)
    )
    now = timezone.now()
    for box in (mailbox, *more[:9]):
        Usage.objects.create(
            mailbox=box, bytes_used=9 * 10**8, wanted_bytes=10**9, read_at=now, old_trash_messages=0
        )
        Observation.objects.create(mailbox=box, aspect="account", fingerprint="f", seen_at=now)
        AutoReply.objects.create(mailbox=box, enabled=True, text="Away.", starts=now - timedelta(days=1))
        forwarding = Forwarding.objects.create(mailbox=box, enabled=True)
        ForwardingTarget.objects.create(forwarding=forwarding, address="a@b.test", confirmed_at=now)
        QuotaRequest.objects.create(mailbox=box, wanted_bytes=2 * 10**9)
        SettingRequest.objects.create(mailbox=box, setting="auto_reply", before={}, wanted={})
        RedirectAlarm.objects.create(mailbox=box, targets=["thief@far.test"])
        event = record(
            "auto_reply.changed", by=mailbox.owner, about=box, domain=domain.name, before={}, after={}
        )
        outbox.request_push(box, "script", event)
    Change.objects.filter(pk__gt=change.pk).update(state=Change.State.LIVE, settled_at=now)
    aliases = Alias.objects.bulk_create(
        Alias(address=f"a{number}@example.test", domain=domain) for number in range(60)
    )
    AliasTarget.objects.bulk_create(AliasTarget(alias=each, address=mailbox.address) for each in aliases)
    RedirectAlarm.objects.create(alias=aliases[0], targets=["thief@far.test"])
    Observation.objects.create(
        alias=aliases[0],
        aspect="alias",
        fingerprint="f",
        seen_at=now,
        drifted_since=now,
        differences=[["x", {}]],
    )
    Observation.objects.filter(mailbox=more[0]).update(drifted_since=now, differences=[["x", {}]])
    SupportGrant.objects.create(
        mailbox=mailbox,
        helper=people["support"],
        granted_by=people["operator"],
        ends_at=now + timedelta(hours=1),
    )
    return change


def statements_of(asked):
    statements = [each["sql"] for each in asked if not each["sql"].startswith(FRAMES)]
    # Elsewhere than on PostgreSQL an event takes a statement more.
    events = sum(sql.startswith('INSERT INTO "audit_event"') for sql in statements)
    return len(statements) - (events if connection.vendor == "sqlite" else 0)


@pytest.mark.sql
@pytest.mark.parametrize("who", [who for who in WHO if who not in ("nobody", "other webmaster")])
def test_no_page_asks_the_database_often(client, mailbox, people, full, who):  # noqa: F811
    client.force_login(people[who], "accounts.backends.PersonBackend")
    places = {"<int:number>": full.pk, "<str:name>": "example.test", "<str:username>": "willem"}
    places |= {"<str:address>": mailbox.address, "<slug:server>": mailbox.server.name}
    places |= {"<str:alias>": "a0@example.test"}
    found = {}
    for view, rights in TABLE.items():
        if rights[WHO.index(who)][0] != OK:
            continue
        path = "/" + URLS[view]
        for place, value in places.items():
            path = path.replace(place, str(value))
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(path)
        if answer.status_code == OK:
            found[view] = statements_of(asked)
    assert len(found) > 20
    assert {view: count for view, count in found.items() if count > MOST} == {}


def test_what_is_sent_asks_no_oftener_than_it_has_to(client, mailbox, webmaster):
    """Not pages: tries are counted, a session begins; what changes is kept with its event and its push."""
    found = []
    for _time in range(2):
        client.cookies.pop("sessionid", None)
        with CaptureQueriesContext(connection) as asked:
            answer = client.post("/sign-in/", {"username": mailbox.address, "password": PASSWORD})
        assert answer.status_code == 302
        found.append(statements_of(asked))
    # The second time the browser is known.
    assert (found[0] <= 19, found[1] <= 19) == (True, True), found
    client.force_login(webmaster)
    with CaptureQueriesContext(connection) as asked:
        answer = client.post(
            f"/mailboxes/{mailbox.address}/auto-reply/",
            {"version": 0, "subject": "Away", "text": "Back soon."},
        )
    assert answer.status_code == 302
    assert statements_of(asked) <= 12
