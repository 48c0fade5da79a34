"""“Prove it”: which steps a person is told, and which of them says no."""

import re
import time
from email import message_from_bytes
from email.message import EmailMessage
from functools import partial

import pytest
from django.utils import timezone

from mailservers.drivers.base import Refused, ServerAway
from mailservers.drivers.memory import MemoryDriver
from vacation import proving, tasks
from vacation.models import AutoReply, Forwarding, ForwardingTarget, Proof

PROVE = "/mailboxes/anna@example.test/prove/"


@pytest.fixture
def sink(settings, tmp_path, monkeypatch):
    (tmp_path / "new").mkdir()
    settings.PROOF_ADDRESS, settings.PROOF_MAILDIR = "proof@outside.test", str(tmp_path)
    monkeypatch.setattr(proving, "PATIENCE", 0.0)
    monkeypatch.setattr(tasks.prove, "apply_async", partial(_at_once, tasks.prove.apply_async))
    return tmp_path / "new"


def _at_once(apply_async, arguments, **_):
    apply_async(arguments)


@pytest.fixture
def prove(client, owner, mailbox, committed, sink):
    def prove(about="auto_reply"):
        client.force_login(owner, "accounts.backends.MailboxBackend")
        with committed():
            client.post(PROVE, {"about": about})
        return [(step["outcome"], step["words"]) for step in Proof.objects.get().steps_told]

    return prove


@pytest.fixture
def comes_back(sink, monkeypatch):
    """What the mail server sends out for a mail that is handed over to it."""

    def comes_back(make):
        def deliver(_driver, address, *, sender, mail):
            answer = make(message_from_bytes(mail), sender)
            (sink / f"{time.time_ns()}.mail").write_bytes(answer.as_bytes())
            return "250"

        monkeypatch.setattr(MemoryDriver, "deliver", deliver)

    return comes_back


def reply(text):
    def make(_mail, sender):
        answer = EmailMessage()
        answer["To"], answer["Subject"] = sender, "Auto: Test"
        answer.set_content(text)
        return answer

    return make


def forwarded(mail, _sender):
    del mail["To"]
    mail["X-Sink-To"] = "home@outside.test"
    return mail


@pytest.fixture
def away(mailbox):
    return AutoReply.objects.create(mailbox=mailbox, enabled=True, text="Back on Monday.")


def test_the_reply_comes_back_with_its_text(prove, away, comes_back):
    comes_back(reply("Back on Monday.\n"))
    steps = prove()
    assert [outcome for outcome, _ in steps] == ["ok"] * 4
    assert steps[-1][1] == "Its text is the one set here, to the letter."
    assert Proof.objects.get().steps[2]["text"] == "Back on Monday.\n"


def test_another_text_is_told(prove, away, comes_back):
    comes_back(reply("Back on Tuesday."))
    assert prove()[-1] == ("no", "Its text is not the one set here. Compare the mailbox with its server.")


def test_no_reply_is_told(prove, away):
    assert prove()[-1][0] == "no"
    assert "No reply came back" in prove()[-1][1]
    [*_, (address, sender, _mail)] = MemoryDriver.delivered
    assert address == "anna@example.test"
    assert re.fullmatch(r"proof\+[0-9a-f]{16}@outside\.test", sender)


def test_a_server_that_is_away_or_says_no_is_the_step_that_failed(prove, away):
    for error in (ServerAway("The mail server does not take mail at the moment."), Refused("550 full")):
        MemoryDriver.failures.append(error)
        assert prove()[-1] == ("no", str(error))


def test_an_auto_reply_that_is_off_or_planned_is_not_tried(prove, away):
    AutoReply.objects.update(starts=timezone.now() + timezone.timedelta(days=1))
    assert "does not answer now" in prove()[-1][1]
    assert MemoryDriver.delivered == []


def test_a_forward_that_arrived_is_accepted_and_one_unseen_is_no_lie(prove, mailbox, comes_back):
    forwarding = Forwarding.objects.create(mailbox=mailbox, enabled=True)
    for address in ("home@outside.test", "other@outside.test"):
        ForwardingTarget.objects.create(forwarding=forwarding, address=address, confirmed_at=timezone.now())
    comes_back(forwarded)
    *_, first, second = prove("forwarding")
    assert first == ("ok", "The server of home@outside.test accepted it.")
    assert second[0] == "unknown"


def test_without_an_address_to_test_with_the_page_offers_nothing(client, owner, mailbox, settings):
    settings.PROOF_ADDRESS = ""
    client.force_login(owner, "accounts.backends.MailboxBackend")
    assert "Prove it" not in client.get("/mailboxes/anna@example.test/auto-reply/").content.decode()
    assert "no address to test with" in client.post(PROVE, follow=True).content.decode()


def test_a_stranger_sees_no_proof(prove, away, client, stranger):
    prove()
    client.force_login(stranger, "accounts.backends.MailboxBackend")
    assert client.get(f"/proofs/{Proof.objects.get().pk}/").status_code == 404
