"""Every moment and size has bounds at its field, and the service asks for them last."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from accounts.models import Mailbox
from accounts.services import create_mailbox
from audit.chain import record
from mailservers import operating, outbox
from mailservers.models import Change
from quotas.services import change_quota
from vacation.forwarding import save_forwarding
from vacation.models import AutoReply, Forwarding
from vacation.services import save_auto_replies, save_auto_reply

FOR_EVER = "9999-12-31T23:59"
FAR = datetime(9999, 12, 31, 12, tzinfo=UTC)
SENTENCE = "This is too far away. Choose a day between the years 2000 and 2100."
ANNA = "/mailboxes/anna@example.test"
REPLY = {"enabled": "on", "text": "Away.", "subject": "", "days": "7", "version": "0"}


@pytest.mark.parametrize("moment", [FOR_EVER, "0001-01-01T00:00", "1999-12-30T12:00", "2101-01-03T00:00"])
@pytest.mark.parametrize("name", ["starts", "ends", "starts_0", "ends_0"])
@pytest.mark.parametrize("enabled", ["on", ""])
def test_an_auto_reply_knows_no_day_beyond_the_calendar(client, webmaster, mailbox, name, moment, enabled):
    client.force_login(webmaster)
    answer = client.post(f"{ANNA}/auto-reply/", REPLY | {"enabled": enabled, name: moment})
    assert answer.context["form"].errors[name] == [SENTENCE]
    assert not AutoReply.objects.exists()
    assert moment.partition("T")[0] in answer.content.decode()


def test_what_a_template_is_filled_in_with_has_bounds_too(client, webmaster, mailbox):
    client.force_login(webmaster)
    mailbox.domain.reply_templates.create(title="Away", language="en", text="Back on {until}.")
    page = client.get(f"{ANNA}/auto-reply/", {"template": "1", "until": FOR_EVER})
    assert SENTENCE in page.content.decode()


@pytest.mark.parametrize("enabled", ["on", ""])
def test_forwarding_ends_within_the_calendar(client, webmaster, mailbox, enabled):
    client.force_login(webmaster)
    typed = {"enabled": enabled, "addresses": "jan@example.test", "keep_copy": "on", "version": "0"}
    answer = client.post(f"{ANNA}/forwarding/", typed | {"ends": FOR_EVER})
    assert answer.context["form"].errors["ends"] == [SENTENCE]
    assert not Forwarding.objects.exists()


@pytest.mark.parametrize("name", ["maintenance_starts", "maintenance_ends"])
def test_a_maintenance_too(client, operator, server, name):
    client.force_login(operator)
    answer = client.post(f"/servers/{server.name}/maintenance/", {name: FOR_EVER})
    assert answer.context["form"].errors[name] == [SENTENCE]


@pytest.mark.parametrize("name", ["since", "until"])
@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01"])
def test_the_search_for_events_too(client, operator, name, day):
    client.force_login(operator)
    page = client.get("/audit/", {name: day, "why": "x"})
    assert page.status_code == 200


def test_services_ask_for_the_bounds_last(webmaster, mailbox, server, operator):
    far_reply = AutoReply(mailbox=mailbox, enabled=True, text="x", ends=FAR)
    with pytest.raises(ValidationError, match="too far away"):
        save_auto_reply(far_reply, seen_version=0, by=webmaster)
    with pytest.raises(ValidationError, match="too far away"):
        save_auto_replies([(mailbox, far_reply)], by=webmaster)
    periods = [["2030-01-01T00:00:00+00:00", FAR.isoformat()]]
    reply = AutoReply(mailbox=mailbox, enabled=True, text="x", periods=periods)
    with pytest.raises(ValidationError, match="too far away"):
        save_auto_reply(reply, seen_version=0, by=webmaster)
    with pytest.raises(ValidationError, match="at most 10000 characters"):
        save_auto_reply(AutoReply(mailbox=mailbox, text="x" * 10_001), seen_version=0, by=webmaster)
    with pytest.raises(ValidationError, match="too far away"):
        save_forwarding(Forwarding(mailbox=mailbox, ends=FAR), [], seen_version=0, by=webmaster)
    with pytest.raises(ValidationError, match="too far away"):
        operating.plan_maintenance(server, starts=FAR, ends=None, notice="", by=operator)
    with pytest.raises(ValidationError, match="more than any mail server has"):
        change_quota(mailbox, 10**15 + 1, by=operator)
    with pytest.raises(ValidationError, match="more than any mail server has"):
        create_mailbox(mailbox.domain, "new", login="x1", name="", by=webmaster, quota_bytes=10**15 + 1)
    with pytest.raises(ValidationError, match="at most 200 characters"):
        create_mailbox(mailbox.domain, "new", login="x1", name="x" * 201, by=webmaster)
    assert not Change.objects.exists()
    assert Mailbox.objects.count() == 1


def test_undo_brings_back_nothing_that_is_out_of_bounds(client, webmaster, mailbox):
    reply = AutoReply(mailbox=mailbox, enabled=True, text="Away.")
    reply.save()
    event = record(
        "auto_reply.changed",
        by=webmaster,
        about=mailbox,
        domain=mailbox.domain.name,
        before=reply.as_told() | {"ends": FAR.isoformat()},
        after=reply.as_told(),
    )
    change = outbox.request_push(mailbox, "script", event)
    Change.objects.update(state="live")
    client.force_login(webmaster)
    page = client.post(f"/changes/{change.pk}/undo/", follow=True)
    assert f"Nothing was done. {SENTENCE}" in page.content.decode()
    assert AutoReply.of(mailbox).ends is None


@pytest.mark.parametrize("language", ["en", "nl", "fr", "de"])
def test_hours_of_help_are_told_in_the_readers_language(client, webmaster, mailbox, language):
    webmaster.language = language
    webmaster.save()
    client.force_login(webmaster)
    page = client.get(f"{ANNA}/help/").content.decode()
    assert {"en": "8 hours", "nl": "8 uur", "fr": "8 heures", "de": "8 Stunden"}[language] in page
