"""The forwarding page: what a person sees there, and what the mail server holds."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import Alias, AliasTarget, Mailbox, SignInAttempt
from audit.chain import record
from audit.models import Event
from mailservers import outbox
from mailservers.drivers.memory import MemoryDriver
from mailservers.drivers.sieve_reading import redirects
from mailservers.models import Change
from tests.conftest import PASSWORD, follow
from vacation.confirmation_mails import mail_confirmations
from vacation.models import AutoReply, DomainRules, Forwarding, ForwardingTarget

pytestmark = pytest.mark.sql

URL = "/mailboxes/anna@example.test/forwarding/"
LOGIN = "example0001"
TYPED = {
    "enabled": "on",
    "addresses": "home@outside.test",
    "keep_copy": "on",
    "ends": "",
    "version": "0",
    "step_up_proof": PASSWORD,
}


@pytest.fixture
def anna(client, owner, mailbox):
    client.force_login(owner, "accounts.backends.MailboxBackend")
    return client


@pytest.fixture
def save(anna, committed):
    def save(**typed):
        with committed():
            return anna.post(URL, TYPED | typed)

    return save


@pytest.fixture
def bert(domain, server):
    return Mailbox.objects.create(
        address="bert@example.test", domain=domain, server=server, login="example0002", quota_bytes=0
    )


def confirm(client, committed, **typed):
    """Follow the newest link; the page that answers."""
    link = re.search(r"/forwardings/#[\w-]+", mail.outbox[-1].body)[0]
    with committed():
        return follow(client, link, pressed="yes", **typed)


def alias(domain, address, *targets):
    made = Alias.objects.create(address=address, domain=domain)
    AliasTarget.objects.bulk_create([AliasTarget(alias=made, address=target) for target in targets])


def sent_on():
    script = MemoryDriver.scripts.get(LOGIN)
    return redirects(script.text) if script and script.active else []


def words(answer):
    return " ".join(answer.content.decode().replace("&quot;", '"').replace("&#x27;", "'").split())


def test_nothing_leaves_before_the_target_says_yes(save, client, committed):
    page = save()
    assert page.status_code == 302
    assert sent_on() == []
    assert mail.outbox[-1].to == ["home@outside.test"]
    assert "anna@example.test" in mail.outbox[-1].body
    client.logout()
    assert "Thank you" in words(confirm(client, committed))
    assert sent_on() == ["home@outside.test"]
    assert ":copy" in MemoryDriver.scripts[LOGIN].text


def test_a_target_that_says_no_is_not_sent_anything_and_not_asked_again(save, client, committed, anna, owner):
    save()
    assert "Noted" in words(confirm(client, committed, refuse="yes"))
    assert sent_on() == []
    client.force_login(owner, "accounts.backends.MailboxBackend")
    assert "does not want this mail" in words(anna.get(URL))
    assert "does not want this mail" in words(save(version="1", keep_copy=""))


def test_the_link_works_once(save, client, committed):
    save()
    confirm(client, committed)
    assert confirm(client, committed).status_code == 404


def test_the_link_ends_after_three_days(save, client, committed):
    save()
    ForwardingTarget.objects.update(mailed_at=timezone.now() - timedelta(hours=73))
    assert "does not work any more" in words(confirm(client, committed))
    assert sent_on() == []


def test_the_database_holds_no_link(save):
    save()
    token = re.search(r"/forwardings/#([\w-]+)", mail.outbox[-1].body)[1]
    assert token not in str(ForwardingTarget.objects.values())


def test_a_mail_that_could_not_be_sent_is_tried_again_and_the_older_link_ends(save, client, committed):
    save()
    first = mail.outbox[-1]
    ForwardingTarget.objects.update(mail_due_at=timezone.now())
    assert mail_confirmations() == 1
    link = re.search(r"/forwardings/#[\w-]+", first.body)[0]
    assert follow(client, link).status_code == 404
    assert "Thank you" in words(confirm(client, committed))


def test_asking_again_too_soon_does_nothing_and_later_sends_another_link(save, anna, committed):
    save()
    again = URL + "ask-again/"
    with committed():
        assert "a moment ago" in words(anna.post(again, {"target": "home@outside.test"}, follow=True))
    assert len(mail.outbox) == 1
    ForwardingTarget.objects.update(mailed_at=timezone.now() - timedelta(hours=1))
    with committed():
        anna.post(again, {"target": "home@outside.test"})
    assert len(mail.outbox) == 2


def test_an_address_in_the_same_domain_needs_no_answer_and_no_password(save, bert):
    save(addresses="bert@example.test", keep_copy="", step_up_proof="")
    assert sent_on() == ["bert@example.test"]
    assert ":copy" not in MemoryDriver.scripts[LOGIN].text
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("typed", "sentence"), [("", "Type your password"), ("wrong", "This is not your password")]
)
def test_outside_the_domain_it_takes_the_password(save, typed, sentence):
    page = save(step_up_proof=typed)
    assert sentence in words(page)
    assert "home@outside.test" in words(page)
    assert not Forwarding.objects.exists()


def test_an_address_that_agreed_once_is_not_asked_again(save, client, committed, owner):
    save()
    confirm(client, committed)
    client.force_login(owner, "accounts.backends.MailboxBackend")
    save(addresses="", enabled="", version="1")
    save(version="2")
    assert sent_on() == ["home@outside.test"]
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"addresses": ""}, "Write where the mail should go"),
        ({"addresses": "anna@example.test"}, "is this mailbox itself"),
        ({"addresses": "Anna+tag@EXAMPLE.test"}, "is this mailbox itself"),
        ({"addresses": "team@example.test"}, "→ team@example.test → all@example.test → anna@example.test"),
        ({"addresses": ", ".join(f"a{n}@outside.test" for n in range(50))}, "These are 50"),
        ({"addresses": "home@gmial.com"}, "Did you mean home@gmail.com"),
        ({"addresses": "home@exmaple.test"}, "Did you mean home@example.test"),
        ({"addresses": "nobody@example.test"}, "knows no mailbox and no alias nobody@example.test"),
        ({"addresses": '"a b"@outside.test'}, "is not a mail address"),
        ({"addresses": "<home@outside.test"}, "is not a mail address"),
        ({"addresses": "<a@x.test> <b@x.test>"}, "is not a mail address"),
        ({"addresses": "home"}, "is not a mail address"),
        ({"addresses": "home@outside"}, "is not a mail address"),
        ({"addresses": '|"rm -rf"@x.test'}, "is not a mail address"),
        ({"addresses": "a@x.test\x00"}, "ull character"),
        ({"addresses": "x" * 100_000}, "at most 10000"),
        ({"ends": "2001-01-01T10:00"}, "has passed already"),
        ({"version": ""}, "This field is required"),
    ],
)
def test_bad_input_is_told_and_nothing_is_saved(save, domain, typed, sentence):
    alias(domain, "team@example.test", "all@example.test")
    alias(domain, "all@example.test", "boss@outside.test", "anna@example.test")
    page = save(**typed)
    assert sentence in words(page)
    assert not Change.objects.exists()
    assert mail.outbox == []


def test_a_loop_over_somebody_elses_forwarding_is_found(save, bert, anna):
    theirs = Forwarding.objects.create(mailbox=bert, enabled=True)
    ForwardingTarget.objects.create(forwarding=theirs, address="anna@example.test")
    assert "would come back here" in words(save(addresses="bert@example.test"))


def test_a_loop_over_a_catch_all_is_found(save, domain):
    alias(domain, "@example.test", "anna@example.test")
    assert "would come back here" in words(save(addresses="typo@example.test"))


def test_what_is_only_doubtful_goes_through_the_second_time(save):
    page = save(addresses="home@gmial.com")
    save(addresses="home@gmial.com", doubted=page.context["form"]["doubted"].value())
    assert ForwardingTarget.objects.get().address == "home@gmial.com"


@pytest.mark.parametrize(
    "typed",
    [
        "Anna <home@outside.test>",
        '"Jansen, \\"Anna\\" <a@x.test>" <home@outside.test>',
        '"Jansen (Anna)" <HOME@Outside.Test>',
        " home@outside.test;\n\n",
        "home@outside.test home@outside.test",
    ],
)
def test_addresses_are_taken_as_people_paste_them(save, typed):
    save(addresses=typed)
    assert Forwarding.objects.get().addresses() == ["home@outside.test"]


def test_a_domain_with_letters_of_its_own_is_written_in_ascii(save):
    save(addresses="anna@bücher.test, anna@straße.test")
    # ß is no ss: that is another domain (IDNA 2008).
    assert Forwarding.objects.get().addresses() == ["anna@xn--bcher-kva.test", "anna@xn--strae-oqa.test"]


def test_inside_only_says_so_and_stops_what_was_there(save, client, committed, domain, owner, mailbox):
    save()
    confirm(client, committed)
    DomainRules.objects.create(domain=domain, outside="inside")
    client.force_login(owner, "accounts.backends.MailboxBackend")
    page = save(addresses="other@outside.test", version="1")
    assert "may only go to addresses of example.test" in words(page)
    with committed():
        outbox.request_push(mailbox, "script", record("mailbox.created", by=None, about=mailbox))
    assert sent_on() == []


def test_an_allow_list_lets_its_domains_and_addresses_through(save, domain):
    DomainRules.objects.create(domain=domain, outside="listed", allow_list=["ours.test", "home@outside.test"])
    assert "not in the list" in words(save(addresses="a@elsewhere.test"))
    assert save(addresses="a@ours.test, home@outside.test").status_code == 302


def test_only_while_away_follows_the_auto_reply(save, mailbox, bert, webmaster):
    save(addresses="bert@example.test", only_while_away="on")
    assert sent_on() == []
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="Away.", starts=timezone.now())
    save(addresses="bert@example.test", only_while_away="on", version="1")
    text = MemoryDriver.scripts[LOGIN].text
    assert text.count('"ge" "iso8601"') == 2
    assert sent_on() == ["bert@example.test"]


def test_an_end_is_a_test_in_the_script(save, bert):
    save(addresses="bert@example.test", ends="2036-07-01T10:00")
    assert '"lt" "iso8601" "2036-07-01T08:00:00Z"' in MemoryDriver.scripts[LOGIN].text


def test_undo_brings_back_the_addresses_from_before(save, bert, mailbox, owner, committed):
    save(addresses="bert@example.test")
    save(addresses="bert@example.test", keep_copy="", version="1")
    assert ":copy" not in MemoryDriver.scripts[LOGIN].text
    with committed():
        outbox.undo(Change.objects.newest_of(mailbox.pk, "script"), by=owner)
    assert ":copy" in MemoryDriver.scripts[LOGIN].text
    assert Event.objects.filter(verb="forwarding.undone").exists()


def test_the_history_tells_it_in_words(save, bert, anna):
    save(addresses="bert@example.test")
    page = words(anna.get("/mailboxes/anna@example.test/history/"))
    assert "You switched forwarding on" in page
    assert "Forwarded to" in page


def test_two_who_save_at_once_notice(save, bert):
    save(addresses="bert@example.test")
    page = words(save(addresses="home@outside.test"))
    assert "Somebody else saved" in page
    assert "home@outside.test" in page


def test_the_webmaster_gives_their_own_password(client, webmaster, mailbox, committed):
    webmaster.set_password("willem's own password")
    webmaster.save()
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    assert "This is not your password" in words(client.post(URL, TYPED))
    assert client.post(URL, TYPED | {"step_up_proof": "willem's own password"}).status_code == 302


def test_an_auto_reply_and_a_forwarding_share_one_script(save, bert, mailbox):
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="I am away.")
    save(addresses="bert@example.test")
    text = MemoryDriver.scripts[LOGIN].text
    assert "I am away." in text
    assert sent_on() == ["bert@example.test"]


def test_a_target_that_checks_senders_strictly_is_told(save, anna, strict):
    strict.add("outside.test")
    save()
    assert "checks senders strictly" in words(anna.get(URL))


def test_a_mailbox_cannot_pester_the_world_with_links(save):
    for version in range(4):
        addresses = ", ".join(f"a{version}-{number}@outside.test" for number in range(4))
        page = save(addresses=addresses, version=str(version))
    assert "the portal asks no more" in words(page)
    assert len(mail.outbox) == 12


def test_nobody_is_told_of_another_customers_domain(save, other_domain):
    other_domain.name = "atelierduval.test"
    other_domain.save()
    assert "Did you mean" not in words(save(addresses="x@atelierdual.test"))


@pytest.mark.parametrize("typed", ["*@outside.test", "|/bin/sh@outside.test", "/var/mail/x@outside.test"])
def test_what_a_mail_server_reads_as_something_else_is_no_target(save, typed):
    assert "is not a mail address" in words(save(addresses=typed))


def test_many_mailboxes_pester_nobody_with_questions(domain, server):
    """The later ones are asked the next day."""
    for n in range(22):
        mailbox = Mailbox.objects.create(
            address=f"p{n}@example.test", domain=domain, server=server, login=f"p{n}", quota_bytes=0
        )
        forwarding = Forwarding.objects.create(mailbox=mailbox, enabled=True)
        forwarding.targets.create(address=f"victim+{n}@outside.test", mail_due_at=timezone.now())
    assert mail_confirmations() == 20
    waiting = ForwardingTarget.objects.exclude(mail_due_at=None)
    assert [target.mail_due_at > timezone.now() + timedelta(hours=23) for target in waiting] == [True, True]
    assert mail_confirmations() == 0
    SignInAttempt.objects.update(at=timezone.now() - timedelta(days=1, minutes=1))
    waiting.update(mail_due_at=timezone.now())
    assert mail_confirmations() == 2
