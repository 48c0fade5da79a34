import io

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections
from passlib.hash import argon2, sha512_crypt

from accounts import guessing, password_audit
from accounts.models import Mailbox, PasswordAudit
from accounts.services import change_password
from audit.models import Event
from tests.conftest import PASSWORD

# Made for speed, as every hash in these tests.
CHEAP = argon2.using(type="ID", memory_cost=8, time_cost=1, parallelism=1)


def hashed(clear):
    return f"{{ARGON2ID}}{CHEAP.hash(clear)}"


@pytest.fixture
def guessable(mailbox):
    Mailbox.objects.filter(pk=mailbox.pk).update(password_hash=hashed("Anna2026!"), name="Anna Jansen")
    return mailbox


def run(*options):
    out = io.StringIO()
    call_command("audit_passwords", "--processes", "1", *options, stdout=out, stderr=out)
    return out.getvalue()


def is_marked(mailbox):
    mailbox.refresh_from_db()
    return mailbox.has_guessed_password


@pytest.mark.parametrize(
    "clear",
    ["example0001", "Example0001", "anna123", "Jansen2026", "annaanna", "annajansen", "4nn4", "anna.jansen",
     "123456", "password", "Anna@2025", "nesnaj"],
)  # fmt: skip
def test_what_guessers_try_first_is_tried(clear):
    words = guessing.words_of(login="example0001", address="anna@example.test", name="Anna Jansen")
    assert clear in guessing.guesses(words, commonest=10, year=2026)


def test_nothing_is_tried_twice_and_a_good_password_is_not_found():
    words = guessing.words_of(login="example0001", address="anna@example.test", name="Anna Jansen")
    tried = guessing.guesses(words, commonest=1000, year=2026)
    assert len(tried) == len(set(tried))
    assert PASSWORD not in tried


def test_hashes_of_other_schemes_are_looked_at_as_well(guessable):
    sha = sha512_crypt.using(rounds=1000).hash("anna1")
    Mailbox.objects.update(password_hash=f"{{SHA512-CRYPT}}{sha}")
    run("--commonest", "1")
    assert is_marked(guessable)


def test_a_guessed_one_is_marked_for_its_user_and_the_webmaster(client, guessable, webmaster):
    assert "Guessed: 1" in run("--commonest", "5")
    client.force_login(guessable.owner)
    page = client.get("/", follow=True)
    assert page.redirect_chain[-1][0] == "/mailboxes/anna@example.test/password/"
    assert "data-guessed" in page.content.decode()
    client.force_login(webmaster)
    assert "1 password is easy to guess" in client.get("/domains/").content.decode()
    rows = client.get("/domains/example.test/?show=guessed").context["rows"]
    assert [row.mailbox for row in rows] == [guessable]
    assert "Make a link for a new password" in client.get("/mailboxes/anna@example.test/").content.decode()


def test_the_mark_goes_away_with_the_password(guessable, committed):
    run("--commonest", "1")
    with committed():
        change_password(guessable, "quite another one, and long", by=guessable.owner)
    assert not is_marked(guessable)
    assert Mailbox.objects.showing("guessed").count() == 0


def test_neither_the_events_nor_what_is_printed_hold_the_password(guessable, capfd):
    told = run("--commonest", "1") + "".join(capfd.readouterr())
    verbs = list(Event.objects.order_by("number").values_list("verb", flat=True))
    assert verbs == ["mailbox.password_guessed", "passwords.audited"]
    kept = str(list(Event.objects.values())) + str(list(PasswordAudit.objects.values()))
    assert "Anna2026!" not in told + kept


def test_a_dry_run_counts_and_keeps_nothing(guessable):
    assert "Guessed: 1, nothing marked" in run("--commonest", "1", "--dry-run")
    assert not is_marked(guessable)
    assert not Event.objects.exists()
    assert not PasswordAudit.objects.exists()


def test_it_goes_on_where_it_was_stopped(guessable, stranger, monkeypatch):
    Mailbox.objects.update(password_hash=hashed("qwerty"))
    looked_at = []
    look_at = password_audit._look_at

    def stopped_at_the_second(mailbox_id, *others):
        if len(looked_at) == 1:
            looked_at.append(None)
            raise KeyboardInterrupt
        looked_at.append(mailbox_id)
        return look_at(mailbox_id, *others)

    monkeypatch.setattr(password_audit, "_look_at", stopped_at_the_second)
    with pytest.raises(CommandError, match="Stopped after 1 of 2"):
        run("--commonest", "10")
    told = run("--commonest", "10")
    assert "Going on after 1 mailboxes" in told
    first, _stop, second = looked_at
    assert first < second
    assert Mailbox.objects.showing("guessed").count() == 2


def test_only_the_mailboxes_of_one_domain(guessable, stranger):
    Mailbox.objects.update(password_hash=hashed("qwerty"))
    run("--commonest", "10", "--domain", "elsewhere.test")
    assert [box.address for box in Mailbox.objects.showing("guessed")] == ["bert@elsewhere.test"]


def test_a_password_changed_while_it_was_tried_is_not_marked(guessable):
    stale = Mailbox.objects.get(pk=guessable.pk)
    Mailbox.objects.update(password_hash=hashed("quite another one, and long"))
    assert not password_audit._flag(stale)


@pytest.mark.sql
@pytest.mark.django_db(transaction=True)
def test_several_processes_share_the_work(guessable, stranger):
    if connection.vendor != "postgresql":
        pytest.skip("the tests' SQLite is in the memory of one process")
    Mailbox.objects.update(password_hash=hashed("qwerty"))
    call_command("audit_passwords", "--processes", "2", "--commonest", "10")
    connections.close_all()
    assert Mailbox.objects.showing("guessed").count() == 2
