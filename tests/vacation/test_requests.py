"""What a webmaster has to approve: who asks, who decides, and what becomes of it."""

import pytest
from django.core.exceptions import PermissionDenied

from accounts.models import Domain
from audit.models import Event
from mails.models import Mail
from mailservers import outbox
from mailservers.drivers.memory import MemoryDriver
from mailservers.drivers.sieve_reading import redirects
from mailservers.models import Change
from tests.conftest import PASSWORD, step_up
from tests.vacation.test_edit_auto_reply import AWAY
from vacation.models import AutoReply, DomainRules, Forwarding, ForwardingTarget, SettingRequest
from vacation.services import save_auto_reply

pytestmark = pytest.mark.sql

PAGE = "/mailboxes/anna@example.test/auto-reply/"
FORWARDING = "/mailboxes/anna@example.test/forwarding/"
REQUESTS = "/domains/example.test/requests/"
LOGIN = "example0001"


@pytest.fixture
def rules(domain):
    return DomainRules.objects.create(domain=domain, auto_reply="approval", forwarding="approval")


@pytest.fixture
def ask(client, owner, mailbox, rules, committed):
    """Anna asks for an auto-reply."""

    def ask(**typed):
        client.force_login(owner, "accounts.backends.MailboxBackend")
        with committed():
            client.post(PAGE, AWAY | typed)
        return SettingRequest.objects.first()

    return ask


@pytest.fixture
def decide(client, webmaster, committed):
    def decide(request, **typed):
        client.force_login(webmaster, "accounts.backends.PersonBackend")
        step_up(client)
        with committed():
            return client.post(f"/setting-requests/{request.pk}/decide/", typed, follow=True)

    return decide


def words(answer):
    return " ".join(answer.content.decode().split())


def test_nothing_changes_before_it_is_approved(ask, client, webmaster):
    webmaster.email = "willem@example.test"
    webmaster.save()
    ask()
    assert not AutoReply.objects.exists()
    assert not Change.objects.exists()
    assert Mail.objects.get().address == "willem@example.test"
    page = words(client.get(PAGE))
    assert "waits for a webmaster" in page
    assert "Back on Monday." in page


def test_the_webmaster_sees_the_difference_and_approves(ask, decide, client, webmaster):
    asked = ask()
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    page = words(client.get(REQUESTS))
    assert "Auto-reply of anna@example.test" in page
    assert "Back on Monday." in page
    decide(asked, approve="yes")
    assert "Back on Monday." in MemoryDriver.scripts[LOGIN].text
    assert Mail.objects.get(address="anna@example.test").subject.startswith("Approved")


def test_what_was_approved_can_be_undone(ask, decide, mailbox, webmaster, committed):
    decide(ask(), approve="yes")
    with committed():
        outbox.undo(Change.objects.newest_of(mailbox.pk, "script"), by=webmaster)
    assert not MemoryDriver.scripts[LOGIN].active


def test_a_refusal_needs_a_reason_and_the_user_reads_it(ask, decide):
    asked = ask()
    assert "Say in a few words why not" in words(decide(asked, refuse="yes"))
    decide(asked, refuse="yes", reason="Please add who helps meanwhile.")
    asked.refresh_from_db()
    assert (asked.state, AutoReply.objects.exists()) == ("refused", False)
    assert "Please add who helps meanwhile." in Mail.objects.get(address="anna@example.test").text


def test_the_newest_wish_replaces_the_one_before(ask):
    first = ask()
    ask(text="Back on Tuesday.")
    first.refresh_from_db()
    assert first.state == "replaced"
    assert SettingRequest.objects.get(state="waiting").wanted["text"] == "Back on Tuesday."


def test_what_a_webmaster_sets_meanwhile_replaces_it_too(ask, decide, mailbox, webmaster):
    asked = ask()
    save_auto_reply(AutoReply(mailbox=mailbox, enabled=True, text="By Willem."), seen_version=0, by=webmaster)
    assert "decided this already" in words(decide(asked, approve="yes"))
    assert AutoReply.objects.get().text == "By Willem."


def test_whoever_asked_can_withdraw_and_not_approve(ask, client):
    asked = ask()
    url = f"/setting-requests/{asked.pk}/decide/"
    assert client.post(url, {"approve": "yes"}).status_code == 404
    client.post(url, {"withdraw": "yes"})
    asked.refresh_from_db()
    assert asked.state == "withdrawn"


def test_switching_off_needs_nobody(ask, decide, client):
    decide(ask(), approve="yes")
    ask(enabled="", version="1")
    assert not AutoReply.objects.get().enabled


def test_undo_is_no_way_around_the_approval(ask, decide, mailbox, owner):
    decide(ask(), approve="yes")
    ask(enabled="", version="1")
    with pytest.raises(PermissionDenied):
        outbox.undo(Change.objects.newest_of(mailbox.pk, "script"), by=owner)


def test_where_only_webmasters_may_the_user_looks(client, owner, mailbox, rules):
    rules.auto_reply = rules.forwarding = "webmaster"
    rules.save()
    client.force_login(owner, "accounts.backends.MailboxBackend")
    for url in (PAGE, FORWARDING):
        assert "Only the domain" in words(client.get(url))
        assert client.post(url, AWAY).status_code == 404


def test_only_outside_addresses_may_need_approval(client, owner, mailbox, domain, decide, committed):
    DomainRules.objects.create(domain=domain, outside="approval")
    client.force_login(owner, "accounts.backends.MailboxBackend")
    typed = {"enabled": "on", "addresses": "home@outside.test", "version": "0", "step_up_proof": PASSWORD}
    with committed():
        client.post(FORWARDING, typed)
    assert not Forwarding.objects.exists()
    decide(SettingRequest.objects.get(), approve="yes")
    assert ForwardingTarget.objects.get().answer == "waiting"


def test_rules_that_change_stop_what_they_forbid_and_let_it_go_on_again(
    client, webmaster, mailbox, domain, committed
):
    forwarding = Forwarding.objects.create(mailbox=mailbox, enabled=True)
    ForwardingTarget.objects.create(
        forwarding=forwarding, address="home@outside.test", confirmed_at="2026-01-01T00:00Z"
    )
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    step_up(client)
    url = "/domains/example.test/mail-rules/"
    typed = {"auto_reply": "self", "forwarding": "self", "outside": "inside", "allowed": ""}
    with committed():
        assert "1 mailbox changes" in words(client.post(url, typed, follow=True))
    assert not MemoryDriver.scripts[LOGIN].active
    with committed():
        client.post(url, typed | {"outside": "listed", "allowed": "@Outside.test"})
    assert redirects(MemoryDriver.scripts[LOGIN].text) == ["home@outside.test"]
    assert Event.objects.filter(verb="domain.mail_rules_changed").count() == 2
    page = words(client.get("/domains/example.test/forwardings/"))
    assert "home@outside.test" in page


def test_of_two_tabs_with_the_rules_the_later_one_is_told_and_may_replace(client, webmaster, domain):
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    step_up(client)
    url = "/domains/example.test/mail-rules/"
    seen = client.get(url).context["form"]["seen"].value()
    typed = {"auto_reply": "self", "forwarding": "self", "outside": "listed", "allowed": "mine.test"}
    client.post(url, typed | {"outside": "approval", "allowed": "theirs.test", "seen": seen})
    answer = client.post(url, typed | {"seen": seen})
    assert "Somebody else saved this meanwhile" in words(answer)
    assert "theirs.test" in words(answer)
    assert DomainRules.of(Domain.objects.get(pk=domain.pk)).allow_list == ["theirs.test"]
    form = answer.context["form"]
    assert form["allowed"].value() == "mine.test"
    client.post(url, typed | {"seen": form["seen"].value()})
    assert DomainRules.of(Domain.objects.get(pk=domain.pk)).allow_list == ["mine.test"]


@pytest.mark.parametrize("typed", ["no domain", "a@b@c", "x..test", "<x>"])
def test_an_allow_list_takes_domains_and_addresses_only(client, webmaster, domain, typed):
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    step_up(client)
    answer = client.post(
        "/domains/example.test/mail-rules/",
        {"auto_reply": "self", "forwarding": "self", "outside": "listed", "allowed": typed},
    )
    assert "neither a domain nor an address" in words(answer)


def test_no_undo_is_offered_to_whoever_must_ask_and_pressing_it_says_why(
    client, owner, mailbox, webmaster, rules, committed
):
    with committed():
        reply = AutoReply(mailbox=mailbox, enabled=True, text="Set by the webmaster.")
        save_auto_reply(reply, seen_version=0, by=webmaster)
    with committed():
        off = AutoReply(mailbox=mailbox, enabled=False, text="Set by the webmaster.")
        change = save_auto_reply(off, seen_version=1, by=owner)
    for person, offered in ((owner, False), (webmaster, True)):
        client.force_login(person, "accounts.backends.PersonBackend")
        for page in (PAGE, "/mailboxes/anna@example.test/", "/mailboxes/anna@example.test/history/"):
            assert (f"/changes/{change.pk}/undo/" in client.get(page).content.decode()) is offered
    client.force_login(owner, "accounts.backends.PersonBackend")
    answer = client.post(f"/changes/{change.pk}/undo/", follow=True)
    assert "in this domain a webmaster decides about that" in words(answer)
    assert not AutoReply.of(mailbox).enabled
