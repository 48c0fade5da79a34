from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.helping import allow_help, end_help
from accounts.models import LookUp, Mailbox, SupportGrant
from audit.models import Event
from mails import queue
from mailservers.models import Change
from tests.conftest import step_up
from vacation.forwarding import save_forwarding
from vacation.models import Forwarding

pytestmark = pytest.mark.sql
URL = "/mailboxes/anna@example.test/"


def test_support_says_why_before_it_sees_a_mailbox(client, mailbox, support):
    client.force_login(support)
    answer = client.get(URL + "history/")
    assert answer.headers["Location"].startswith(URL + "why/?next=")
    assert "Why do you look" in client.get(answer.headers["Location"]).content.decode()
    short = client.post(URL + "why/", {"reason": "x", "next": URL + "history/"})
    assert "at least 5 characters" in short.content.decode()
    answer = client.post(URL + "why/", {"reason": "Ticket 4711", "next": URL + "history/"})
    assert answer.headers["Location"] == URL + "history/"
    page = client.get(URL + "history/").content.decode()
    assert "sam of the support staff looked at the mailbox" in page
    assert Event.objects.get(verb="mailbox.looked_up").after == {"reason": "Ticket 4711"}


def test_a_reason_holds_for_an_hour_and_leads_nowhere_else(client, mailbox, support, looked_up):
    client.force_login(support)
    assert client.get(URL).status_code == 200
    LookUp.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert client.get(URL).status_code == 302
    answer = client.post(URL + "why/", {"reason": "Ticket 4711", "next": "https://evil.example/"})
    assert answer.headers["Location"] == URL


def test_a_timeline_wants_a_reason_as_well(client, mailbox, support):
    client.force_login(support)
    assert "/why/" in client.get("/audit/mailboxes/anna@example.test/").headers["Location"]


def test_a_webmaster_lets_support_help_for_a_while(client, mailbox, webmaster, support, looked_up):
    client.force_login(webmaster)
    step_up(client)
    given = {"helper": support.pk, "hours": 2, "reason": "The auto-reply has a wrong date"}
    client.post(URL + "help/", given)
    page = client.get(URL).content.decode()
    assert "may change the settings of this mailbox until" in page
    assert queue.send_due() == 1
    assert mail.outbox[0].to == ["anna@example.test"]
    assert "The auto-reply has a wrong date" in mail.outbox[0].body
    assert queue.send_due() == 0
    client.force_login(support)
    away = {"enabled": "on", "subject": "Away", "text": "Gone.", "starts": "", "ends": "", "version": "0"}
    assert client.post(URL + "auto-reply/", away).status_code == 302
    event = Event.objects.get(verb="auto_reply.switched_on")
    assert (event.by, event.on_behalf_of) == (support, webmaster)
    client.force_login(mailbox.owner)
    page = client.get(URL + "history/").content.decode()
    assert "sam of the support staff, let in by your webmaster, set an auto-reply for you" in page


def test_a_grant_ends_by_its_time_and_by_the_owners_wish(client, mailbox, webmaster, support):
    allow_help(mailbox, support, hours=1, reason="Ticket 4711", by=webmaster)
    assert Mailbox.objects.changeable_by(support).get() == mailbox
    assert not Mailbox.objects.owned_by(support).exists()
    assert not Mailbox.objects.quota_changeable_by(support).exists()
    client.force_login(mailbox.owner)
    client.post(URL + "help/end/")
    assert not Mailbox.objects.changeable_by(support).exists()
    SupportGrant.objects.update(ended_at=None, ends_at=timezone.now())
    assert not Mailbox.objects.changeable_by(support).exists()


def test_ending_what_never_began_is_no_event(mailbox, webmaster):
    end_help(mailbox, by=webmaster)
    assert not Event.objects.exists()


def test_staff_without_rights_can_not_let_themselves_in(client, mailbox, support, looked_up):
    client.force_login(support)
    assert client.get(URL + "help/").status_code == 404


def test_what_a_domains_people_do_is_seen_after_a_reason_only(client, mailbox, domain, support, webmaster):
    client.force_login(support)
    answer = client.get("/domains/example.test/forwardings/?x=1")
    wanted = urlencode({"next": "/domains/example.test/forwardings/?x=1"})
    assert answer.headers["Location"] == f"/domains/example.test/why/?{wanted}"
    assert "Why do you look at this domain?" in client.get(answer.headers["Location"]).content.decode()
    sent = {"reason": "Ticket 4711", "next": "/domains/example.test/forwardings/"}
    assert client.post("/domains/example.test/why/", sent).headers["Location"] == sent["next"]
    assert client.get(sent["next"]).status_code == 200
    client.force_login(webmaster)
    shown = client.get("/domains/example.test/history/").content.decode()
    assert "sam of the support staff looked at pages about the people of example.test" in shown


@pytest.fixture
def helping(client, mailbox, support, webmaster, looked_up):
    allow_help(mailbox, support, hours=1, reason="The forwarding is wrong", by=webmaster)
    client.force_login(support)
    step_up(client)
    return client


def test_who_helps_sends_mail_to_no_new_address_outside(helping, mailbox, support, domain):
    sent = {"enabled": "on", "addresses": "hilde@private.test", "keep_copy": "on", "version": "0"}
    shown = helping.post(URL + "forwarding/", sent).content.decode()
    assert "send mail to a new address outside the domain" in shown
    assert not Forwarding.objects.filter(enabled=True).exists()
    wanted = Forwarding(mailbox=mailbox, enabled=True)
    with pytest.raises(PermissionDenied):
        save_forwarding(wanted, ["hilde@private.test"], seen_version=0, by=support)
    saved = Forwarding.objects.create(mailbox=mailbox, enabled=True)
    saved.targets.create(address="home@outside.test", confirmed_at=timezone.now())
    for addresses in ("home@outside.test", "home@outside.test, bert@example.test"):
        sent |= {"addresses": addresses, "version": str(Forwarding.objects.get().version)}
        sent |= {"doubted": "bert@example.test home@outside.test"}
        assert helping.post(URL + "forwarding/", sent).status_code == 302


def test_who_helps_switches_nothing_on_again_that_sends_mail_outside(helping, mailbox, owner, support):
    saved = Forwarding.objects.create(mailbox=mailbox, enabled=True)
    saved.targets.create(address="home@outside.test", confirmed_at=timezone.now())
    off = Forwarding(mailbox=mailbox, enabled=False)
    change = save_forwarding(off, ["home@outside.test"], seen_version=0, by=owner)
    Change.objects.filter(pk=change.pk).update(state="live")
    helping.post(f"/changes/{change.pk}/undo/")
    assert not Forwarding.objects.get().enabled
    sent = {"enabled": "on", "addresses": "home@outside.test", "keep_copy": "on", "version": "1"}
    assert "a new address outside" in helping.post(URL + "forwarding/", sent).content.decode()


def test_who_helps_deletes_no_mail_and_the_mail_says_so(helping, mailbox):
    assert helping.get(URL + "usage/trash/").status_code == 404
    assert "usage/trash/" not in helping.get(URL + "usage/").content.decode()
    queue.send_due()
    [told] = mail.outbox
    assert "no mail is deleted or sent to a new address outside" in " ".join(told.body.split())
