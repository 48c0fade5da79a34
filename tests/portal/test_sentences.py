"""Every event is told in a sentence; those concerned read it in their own person."""

import ast
import re
from pathlib import Path

import pytest

from accounts.lookups import look_up
from audit.chain import record
from audit.sentences import _own, _sentences, _to_you
from mailservers import outbox
from mailservers.models import Change
from tests.portal.test_imports import ORDER, ROOT

KINDS = {verb.partition(".")[0] for verb in _sentences}
VERB = re.compile(rf"({'|'.join(sorted(KINDS))})\.[a-z]+(_[a-z]+)*")


def texts(tree: ast.AST) -> set[str]:
    """Every text that may be a verb; one made of parts as "*.end"."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and VERB.fullmatch(node.value):
            found.add(node.value)
        if isinstance(node, ast.Call) and "record" in ast.unparse(node.func):
            found |= {
                f"*{part.value}"
                for argument in node.args[:1]
                if isinstance(argument, ast.JoinedStr)
                for part in argument.values
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value != "."
            }
    names_of_modules = {text for text in found if (ROOT / f"{text.replace('.', '/')}.py").exists()}
    return found - names_of_modules - {"mailbox.org"}  # a provider


def modules() -> list[Path]:
    paths = [path for app in ORDER for path in (ROOT / app).rglob("*.py")]
    return [path for path in paths if "sentences" not in path.name and "migrations" not in path.parts]


def test_every_verb_has_a_sentence():
    ends = {verb.partition(".")[2] for verb in _sentences}
    for path in modules():
        for text in texts(ast.parse(path.read_text())):
            known = text.removeprefix("*.") in ends if text.startswith("*") else text in _sentences
            assert known, f"{path.relative_to(ROOT)}: nobody can read what {text} means"


def test_sentences_in_person_belong_to_verbs_and_have_the_same_places():
    assert set(_own) | set(_to_you) <= set(_sentences)
    assert all("%(who)s" not in own and own.startswith("You ") for own in _own.values())
    for verb, sentence in _to_you.items():
        assert ("%(who)s" in sentence) == ("%(who)s" in _sentences[verb]), verb


def headings(client, path):
    page = client.get(path).content.decode()
    history = page[page.index('<ol class="history">') :]
    return [" ".join(each.split()) for each in re.findall(r"<h3>(.*?)</h3>", history)]


@pytest.fixture
def deeds(mailbox, domain, webmaster, owner, operator, support):
    record("auto_reply.switched_on", by=webmaster, about=mailbox, domain=domain.name)
    record("auto_reply.changed", by=owner, about=mailbox, domain=domain.name)
    record("mailbox.edited", by=operator, about=mailbox, domain=domain.name)
    look_up(mailbox, "Ticket 4711", by=support)
    record("mailbox.drifted", by=None, about=mailbox, domain=domain.name)


def test_a_mailbox_user_reads_who_did_what_to_them(client, deeds, owner):
    client.force_login(owner)
    assert headings(client, "/mailboxes/anna@example.test/history/") == [
        "The portal found that the mail server holds something else for you than it should",
        "The support staff looked at your mailbox",
        "Your mail provider changed your mailbox",
        "You changed the auto-reply",
        "Your webmaster set an auto-reply for you",
    ]


def test_a_webmaster_reads_names_and_what_they_did_themselves(client, deeds, webmaster):
    client.force_login(webmaster)
    for path in ("/mailboxes/anna@example.test/history/", "/domains/example.test/history/"):
        told = headings(client, path)
        assert told[1:] == [
            "sam of the support staff looked at the mailbox",
            "olga changed the mailbox",
            "anna@example.test changed the auto-reply",
            "You switched the auto-reply on",
        ]


def test_staff_read_names(client, deeds, support):
    client.force_login(support)
    assert "willem switched the auto-reply on" in headings(client, "/audit/mailboxes/anna@example.test/")


def test_the_state_is_told_beside_the_sentence(client, mailbox, webmaster, owner):
    event = record("auto_reply.switched_on", by=webmaster, about=mailbox)
    change = outbox.request_push(mailbox, "script", event)
    Change.objects.filter(pk=change.pk).update(state="live", settled_at=event.at)
    client.force_login(owner)
    page = client.get("/mailboxes/anna@example.test/history/").content.decode()
    told = re.sub(r"<[^>]*>", "", page[page.index("Your webmaster set an auto-reply for you</h3>") :])
    assert re.match(r"Your webmaster set an auto-reply for you\s+On the server ✓ \d\d:\d\d", told)


def test_somebody_who_is_gone_is_told_by_the_name_of_that_time(client, mailbox, owner, webmaster):
    record("mailbox.edited", by=webmaster, about=mailbox)
    webmaster.delete()
    client.force_login(owner)
    told = headings(client, "/mailboxes/anna@example.test/history/")
    assert told == ["willem changed your mailbox"]
