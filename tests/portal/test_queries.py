"""No page asks the database often, whoever looks at it and however much there is."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Mailbox
from audit.chain import record
from mailservers import outbox
from mailservers.models import Change, Observation, Usage
from quotas.models import QuotaRequest
from tests.portal.test_urls import OK, TABLE, URLS, WHO, change, people  # noqa: F401 - fixtures
from vacation.models import AutoReply, Forwarding, ForwardingTarget

# Staff's pages hold more, and why support looks at a mailbox is asked for as well.
USUAL = {"mailbox user": 8, "webmaster": 8, "support": 12, "operator": 12}
# Those that put many things on one page.
MOST = {
    "accounts:list-domains": 9,
    "accounts:show-mailbox": 9,
    "aliases:list-aliases": 14,
    "quotas:list-usage": 11,
}


@pytest.fixture
def full(domain, mailbox, change):  # noqa: F811
    """A mailbox in use, and some more beside it."""
    more = Mailbox.objects.bulk_create(
        Mailbox(
            address=f"m{number}@example.test",
            domain=domain,
            server=domain.server,
            login=f"example1{number:03}",
            quota_bytes=10**9,
        )
        for number in range(9)
    )
    now = timezone.now()
    for box in (mailbox, *more):
        Usage.objects.create(
            mailbox=box, bytes_used=9 * 10**8, wanted_bytes=10**9, read_at=now, old_trash_messages=0
        )
        Observation.objects.create(mailbox=box, aspect="account", fingerprint="f", seen_at=now)
        AutoReply.objects.create(mailbox=box, enabled=True, text="Away.", starts=now - timedelta(days=1))
        forwarding = Forwarding.objects.create(mailbox=box, enabled=True)
        ForwardingTarget.objects.create(forwarding=forwarding, address="a@b.test", confirmed_at=now)
        QuotaRequest.objects.create(mailbox=box, wanted_bytes=2 * 10**9)
        event = record(
            "auto_reply.changed", by=mailbox.owner, about=box, domain=domain.name, before={}, after={}
        )
        outbox.request_push(box, "script", event)
    Change.objects.filter(pk__gt=change.pk).update(state=Change.State.LIVE, settled_at=now)
    return change


@pytest.mark.parametrize("who", [who for who in WHO if who not in ("nobody", "other webmaster")])
def test_no_page_asks_the_database_often(client, mailbox, people, full, who):  # noqa: F811
    client.force_login(people[who], "accounts.backends.PersonBackend")
    places = {"<int:number>": full.pk, "<str:name>": "example.test", "<str:username>": "willem"}
    places |= {"<str:address>": mailbox.address, "<slug:server>": mailbox.server.name}
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
            found[view] = len(asked)
    assert len(found) > 20
    assert {view: count for view, count in found.items() if count > max(USUAL[who], MOST.get(view, 0))} == {}
