"""What pages say of an auto-reply or a forwarding is so: by its row, its change and what was seen."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Domain, Mailbox
from audit.chain import record
from mailservers import outbox
from mailservers.models import Change, Observation
from mailservers.standing import Where, where
from vacation.models import AutoReply, DomainRules, Forwarding, ForwardingTarget, Outside
from vacation.phases import Phase, forward_phase, reply_phase, told_reply

NOW = timezone.now()
HOUR = timedelta(hours=1)
ANNA = "/mailboxes/anna@example.test/"


@pytest.fixture
def willem(client, webmaster):
    client.force_login(webmaster)
    return client


@pytest.fixture
def push(mailbox):
    def push(state, setting="auto_reply", **reason):
        key = {"auto_reply": {"enabled": False}, "forwarding": {"targets": []}}[setting]
        about = {"about": mailbox, "domain": mailbox.domain.name}
        event = record(f"{setting}.changed", by=None, **about, before=key, after=key)
        change = outbox.request_push(mailbox, "script", event)
        Change.objects.filter(pk=change.pk).update(state=state, settled_at=NOW, **reason)

    return push


@pytest.fixture
def drift(mailbox):
    Observation.objects.create(
        mailbox=mailbox,
        aspect="script",
        fingerprint="x",
        seen_at=NOW,
        drifted_since=NOW,
        differences=[["The auto-reply does not run there.", {}]],
    )


def words(client, page):
    return " ".join(re.sub(r"<[^>]+>", " ", client.get(page).content.decode()).split())


@pytest.mark.parametrize(
    ("row", "phase"),
    [
        (None, Phase.OFF),
        (AutoReply(), Phase.OFF),
        (AutoReply(enabled=True), Phase.ON),
        (AutoReply(enabled=True, starts=NOW + HOUR), Phase.PLANNED),
        (AutoReply(enabled=True, ends=NOW - HOUR), Phase.OVER),
    ],
)
def test_an_auto_replys_row_says_what_is_set(row, phase):
    assert reply_phase(row, NOW) == phase


@pytest.mark.parametrize(
    ("row", "targets", "phase"),
    [
        (Forwarding(), [], Phase.OFF),
        (Forwarding(enabled=True), [ForwardingTarget()], Phase.ASKING),
        (Forwarding(enabled=True), [ForwardingTarget(declined_at=NOW)], Phase.ASKING),
        (Forwarding(enabled=True), [ForwardingTarget(confirmed_at=NOW)], Phase.ON),
        (Forwarding(enabled=True, ends=NOW - HOUR), [ForwardingTarget(confirmed_at=NOW)], Phase.OVER),
        (Forwarding(enabled=True), [ForwardingTarget(confirmed_at=NOW, gone_at=NOW)], Phase.NOWHERE),
    ],
)
def test_a_forwarding_to_which_nobody_agreed_is_not_on(row, targets, phase):
    row.mailbox = Mailbox(domain=Domain(name="example.test"))
    assert forward_phase(row, targets) == phase


@pytest.mark.parametrize("why", ["gone", "forbidden", "frozen"])
def test_a_forwarding_that_reaches_nobody_any_more_is_not_said_to_go_there(why, willem, mailbox, domain):
    forwarding = Forwarding.objects.create(mailbox=mailbox, enabled=True)
    gone_at = NOW if why == "gone" else None
    forwarding.targets.create(address="home@outside.test", confirmed_at=NOW, gone_at=gone_at)
    if why == "forbidden":
        DomainRules.objects.create(domain=domain, outside=Outside.INSIDE)
    if why == "frozen":
        type(mailbox).objects.update(frozen_at=NOW)
    page = willem.get(ANNA).content.decode()
    assert "on, but mail can go nowhere now" in page
    assert "to home@outside.test" not in page
    page = willem.get(f"{ANNA}forwarding/").content.decode()
    assert "mail can go to none of these" in page


@pytest.mark.parametrize("state", Change.State.values)
@pytest.mark.parametrize("differs", [True, False])
def test_where_it_stands(state, differs):
    change = Change(state=state)
    change.differs = differs
    found = where(change)
    if state in ("waiting", "pushing"):
        assert found == Where.COMING
    elif state == "failed":
        assert found == Where.FAILED
    else:
        assert found == (Where.DIFFERS if differs else Where.THERE)
    assert told_reply(AutoReply(enabled=True), change).is_so == (found == Where.THERE)


@pytest.mark.parametrize(
    ("state", "phase", "told", "not_told"),
    [
        ("live", "on", "get this answer now", "does not have this yet"),
        ("waiting", "will-on", "The mail server does not have this yet.", "get this answer now"),
        ("pushing", "will-on", "The mail server does not have this yet.", "get this answer now"),
        ("failed", "should-on", "The mail server did not take this.", "get this answer now"),
    ],
)
def test_a_reply_answers_now_only_where_the_server_has_it(
    willem, mailbox, push, state, phase, told, not_told
):
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="Away.", version=1)
    push(state)
    for page in (ANNA, f"{ANNA}auto-reply/"):
        assert told in words(willem, page)
        assert not_told not in words(willem, page)
    for page in (ANNA, "/domains/example.test/"):
        assert f'data-phase="{phase}"' in willem.get(page).content.decode()


@pytest.mark.parametrize("state", ["waiting", "failed"])
def test_one_that_is_switched_off_may_still_answer(willem, mailbox, push, state):
    AutoReply.objects.create(mailbox=mailbox, enabled=False, text="Away.", version=2)
    push(state)
    for page in (ANNA, f"{ANNA}auto-reply/"):
        told = words(willem, page)
        assert "Nobody gets an automatic answer" not in told
        assert "Set here: the auto-reply is off." in told


def test_why_it_failed_stands_beside_it(willem, mailbox, push):
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="Away.", version=1)
    push("failed", reason="No room for %(what)s.", reason_values={"what": "scripts"})
    assert "may still hold there. No room for scripts." in words(willem, f"{ANNA}auto-reply/")


@pytest.mark.parametrize("pushed", [True, False])
@pytest.mark.parametrize("enabled", [True, False])
def test_what_was_changed_there_is_no_fact_here(willem, mailbox, push, drift, enabled, pushed):
    AutoReply.objects.create(mailbox=mailbox, enabled=enabled, text="Away.", version=1)
    if pushed:
        push("live")
    for page in (ANNA, f"{ANNA}auto-reply/"):
        told = words(willem, page)
        assert "The mail server has something other than what is set here." in told
        assert "get this answer now" not in told
        assert "Nobody gets an automatic answer" not in told
        assert "On the server ✓" not in told
        assert ("Differs on the server" in told) == pushed
    phase = "should-on" if enabled else "should-off"
    assert f'data-phase="{phase}"' in willem.get("/domains/example.test/").content.decode()


def test_a_tile_names_only_addresses_that_agreed(willem, mailbox, push):
    forwarding = Forwarding.objects.create(mailbox=mailbox, enabled=True, version=1)
    forwarding.targets.create(address="new@outside.test")
    push("live", "forwarding")
    told = words(willem, ANNA)
    assert "on, but no address has agreed yet" in told
    assert "new@outside.test" not in told
    assert "Nothing is forwarded yet" in words(willem, f"{ANNA}forwarding/")
    forwarding.targets.create(address="old@outside.test", confirmed_at=NOW)
    assert "to old@outside.test" in words(willem, ANNA)


@pytest.mark.parametrize(
    ("state", "tile", "page"),
    [
        ("live", "to old@outside.test", "A copy of each mail stays"),
        ("waiting", "to old@outside.test, as soon as the mail server has it", "does not have this yet"),
        ("failed", "to old@outside.test, but the mail server did not take it", "did not take this"),
    ],
)
def test_forwarding_is_told_as_it_stands(willem, mailbox, push, state, tile, page):
    forwarding = Forwarding.objects.create(mailbox=mailbox, enabled=True, version=1)
    forwarding.targets.create(address="old@outside.test", confirmed_at=NOW)
    push(state, "forwarding")
    assert tile in words(willem, ANNA)
    assert page in words(willem, f"{ANNA}forwarding/")


@pytest.mark.parametrize("state", ["waiting", "failed"])
def test_forwarding_that_is_switched_off_may_go_on(willem, mailbox, push, state):
    Forwarding.objects.create(mailbox=mailbox, enabled=False, version=2)
    push(state, "forwarding")
    told = words(willem, f"{ANNA}forwarding/")
    assert "All mail stays in this mailbox" not in told
    assert "Set here: forwarding is off." in told


def test_another_features_failure_says_nothing_of_this_one(willem, mailbox, push):
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="Away.", version=1)
    push("live")
    push("failed", "forwarding")
    assert "get this answer now" in words(willem, ANNA)


@pytest.mark.parametrize(
    ("state", "told"),
    [("live", None), ("waiting", "not yet on the mail server"), ("failed", "not taken by the mail server")],
)
def test_lists_of_a_domain_say_what_the_server_has_not(willem, mailbox, push, state, told):
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="Away.", version=1)
    saved = Forwarding.objects.create(mailbox=mailbox, enabled=True)
    saved.targets.create(address="x@elsewhere.test", confirmed_at=NOW)
    push(state)
    push(state, "forwarding")
    for page in ("/domains/example.test/away/", "/domains/example.test/forwardings/"):
        shown = words(willem, page)
        assert (told in shown) if told else ("mail server" not in shown)


def test_lists_of_a_domain_say_what_was_changed_on_the_server(willem, mailbox, push, drift):
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="Away.", version=1)
    saved = Forwarding.objects.create(mailbox=mailbox, enabled=True)
    saved.targets.create(address="x@elsewhere.test", confirmed_at=NOW)
    push("live")
    for page in ("/domains/example.test/away/", "/domains/example.test/forwardings/"):
        assert "something else is on the mail server" in words(willem, page)
