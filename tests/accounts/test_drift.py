"""What a mailbox's page says of changes made on the server, and who may do what about them."""

from dataclasses import replace

import pytest
from django.utils import timezone

from accounts.led_here import GONE
from accounts.models import RedirectAlarm
from audit.chain import record
from audit.models import Event
from mailservers import drift, outbox
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import DriftCheck, Observation
from tests.conftest import step_up

URL = "/mailboxes/anna@example.test/"
KEEP, RESTORE, CHECK, SEEN = (
    URL + name for name in ("keep-theirs/", "restore-ours/", "check/", "redirects-seen/")
)


@pytest.fixture
def drifted(mailbox, server, committed):
    """Somebody gave the mailbox more room on the server, and the nightly check has seen it."""
    with committed():
        outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))
    MemoryDriver.accounts["example0001"] = replace(
        MemoryDriver.accounts["example0001"], quota_bytes=3 * 1024**3
    )
    MemoryDriver.own_scripts["example0001"] = 'if header "subject" "x" { redirect "thief@evil.test"; }'
    with committed():
        drift.request_check(server)
    return mailbox


def post(client, person, url, committed, **values):
    client.force_login(person, "accounts.backends.PersonBackend")
    step_up(client)
    with committed():
        return client.post(url, values, follow=True)


def marked():
    return {"aspect": "account", "seen": Observation.objects.get(aspect="account").mark}


def test_the_page_says_what_changed_and_offers_both_ways(client, drifted, webmaster):
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    page = client.get(URL).content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert "The mailbox was changed on the mail server" in page
    assert "It has room for 3 GB there, and for" in page
    assert "First seen" in page
    assert "Keep what is there" in page
    assert "Restore what is set here" in page
    assert "thief@evil.test" in page


def test_support_sees_it_without_buttons(client, drifted, support, looked_up):
    client.force_login(support, "accounts.backends.PersonBackend")
    page = client.get(URL).content.decode()
    assert "The mailbox was changed on the mail server" in page
    assert "thief@evil.test" in page
    for button in ("Keep what is there", "Restore what is set here", "I have seen it", "Compare now"):
        assert button not in page


def test_a_user_sees_it_and_gives_themselves_no_more_room(client, drifted, owner, committed):
    client.force_login(owner, "accounts.backends.PersonBackend")
    page = client.get(URL).content.decode()
    assert "Your webmaster decides which of the two holds." in page
    assert "Keep what is there" not in page
    assert post(client, owner, KEEP, committed, **marked()).status_code == 404
    drifted.refresh_from_db()
    assert drifted.quota_bytes == 1_000_000_000


def test_keeping_theirs(client, drifted, webmaster, committed):
    page = post(client, webmaster, KEEP, committed, **marked()).content.decode()
    assert "Kept: the portal now has what the mail server holds." in page
    assert "was changed on the mail server" not in page
    drifted.refresh_from_db()
    assert drifted.quota_bytes == 3 * 1024**3
    history = client.get(URL + "history/").content.decode()
    assert "You kept what was changed of the mailbox on the mail server" in history


def test_restoring_ours(client, drifted, webmaster, committed):
    page = post(client, webmaster, RESTORE, committed, **marked()).content.decode()
    assert "What is set here is sent to the mail server again." in page
    assert "was changed on the mail server" not in page
    assert MemoryDriver.accounts["example0001"].quota_bytes == drifted.quota_bytes


@pytest.mark.parametrize("url", [KEEP, RESTORE])
@pytest.mark.parametrize("values", [{}, {"aspect": "account"}, {"aspect": "nonsense", "seen": "x"}])
def test_a_page_that_is_out_of_date_does_nothing(client, drifted, webmaster, committed, url, values):
    page = post(client, webmaster, url, committed, **values).content.decode()
    assert "Nothing was done" in page
    assert MemoryDriver.accounts["example0001"].quota_bytes == 3 * 1024**3


@pytest.mark.parametrize("url", [KEEP, RESTORE, CHECK, SEEN])
@pytest.mark.parametrize("who", ["support", "other_webmaster"])
def test_others_do_nothing_about_it(client, drifted, committed, request, url, who, looked_up):
    values = {**marked(), "up_to": RedirectAlarm.objects.get().pk}
    assert post(client, request.getfixturevalue(who), url, committed, **values).status_code == 404
    assert RedirectAlarm.objects.open().exists()
    assert drift.drifted_parts(drifted)


def test_an_alarm_stands_above_the_domains_until_somebody_has_seen_it(
    client, drifted, webmaster, other_webmaster, committed
):
    client.force_login(other_webmaster, "accounts.backends.PersonBackend")
    assert "thief@evil.test" not in client.get("/domains/").content.decode()
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    assert "thief@evil.test" in client.get("/domains/").content.decode()
    page = post(client, webmaster, SEEN, committed, up_to=RedirectAlarm.objects.get().pk).content.decode()
    assert "thief@evil.test" not in page
    assert "thief@evil.test" not in client.get("/domains/").content.decode()
    alarm = RedirectAlarm.objects.get()
    assert (alarm.acknowledged_by, alarm.mail_due_at) == (webmaster, None)
    assert Event.objects.get(verb="mailbox.redirect_acknowledged").by == webmaster


@pytest.mark.parametrize("up_to", ["", "0", "x", "-1", "²", "9" * 30])
def test_only_what_was_shown_counts_as_seen(client, drifted, webmaster, committed, up_to):
    assert "Somebody has seen to it already." in (
        post(client, webmaster, SEEN, committed, up_to=up_to).content.decode()
    )
    assert RedirectAlarm.objects.open().count() == 1


def test_seeing_that_a_target_is_gone_leaves_the_alarm_about_a_rule(client, drifted, webmaster, committed):
    gone = RedirectAlarm.objects.create(mailbox=drifted, kind=GONE, targets=["berta@example.test"])
    page = post(client, webmaster, SEEN, committed, up_to=gone.pk).content.decode()
    assert "A target of the forwarding takes no mail any more" not in page
    assert "thief@evil.test" in page


def test_many_alarms_are_told_in_few_lines(client, drifted, webmaster):
    for number in range(8):
        RedirectAlarm.objects.create(mailbox=drifted, targets=[f"t{number}@evil.test"])
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    page = client.get("/domains/").content.decode()
    assert page.count("@evil.test") == 5
    assert "And 4 more." in page


def test_compare_now_looks_at_once(client, drifted, webmaster, committed):
    MemoryDriver.accounts["example0001"] = replace(MemoryDriver.accounts["example0001"], enabled=False)
    page = post(client, webmaster, CHECK, committed).content.decode()
    assert "The mail server is asked now." in page
    assert "The mailbox is switched off there: nobody can sign in." in client.get(URL).content.decode()


def test_the_page_follows_a_comparison_until_it_is_done(client, mailbox, webmaster):
    client.force_login(webmaster)
    DriftCheck.objects.create(server=mailbox.server, aspect="script", mailbox=mailbox)
    page = client.get(f"/mailboxes/{mailbox.address}/?asked=3").content.decode()
    assert "data-busy data-fresh" in page
    assert 'hx-get="?asked=4"' in page
    assert client.get(f"/mailboxes/{mailbox.address}/?asked=-1x").status_code == 200
    DriftCheck.objects.update(finished_at=timezone.now())
    assert "data-busy" not in client.get(f"/mailboxes/{mailbox.address}/").content.decode()
