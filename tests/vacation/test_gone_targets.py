"""A mailbox goes that others forward to: their mail is not lost, and they are told."""

import pytest
from django.utils import timezone

from accounts import aliases, lifecycle
from accounts.alarm_mails import mail_alarms
from accounts.models import Alias, Mailbox, Person, RedirectAlarm
from audit.models import Event
from mails.models import Mail
from mailservers.drivers.memory import MemoryDriver
from mailservers.drivers.sieve_reading import redirects
from tests.conftest import webmaster_of
from vacation.models import AutoReply, Forwarding, ReplyTemplate

pytestmark = pytest.mark.sql
HELENE = "helene@example.test"


@pytest.fixture
def helene(domain) -> Mailbox:
    return made(domain, "helene")


def made(domain, name: str) -> Mailbox:
    return Mailbox.objects.create(
        address=f"{name}@{domain.name}", domain=domain, server=domain.server, login=name, quota_bytes=0
    )


def forward(mailbox: Mailbox, *addresses: str) -> None:
    saved = Forwarding.objects.create(mailbox=mailbox, enabled=True, keep_copy=False)
    for address in addresses:
        saved.targets.create(address=address, confirmed_at=timezone.now())


def sent_on(login: str) -> list[str]:
    script = MemoryDriver.scripts.get(login)
    return list(redirects(script.text)) if script and script.active else []


@pytest.mark.parametrize("to", [HELENE, "helene+work@example.test"])
def test_mail_stays_when_the_only_target_is_deleted_and_goes_on_when_it_is_back(
    mailbox, helene, webmaster, committed, to
):
    forward(mailbox, to)
    with committed():
        lifecycle.delete_mailbox(helene, by=webmaster)
    assert sent_on(mailbox.login) == []
    told = Mail.objects.get()
    assert told.address == mailbox.address
    assert "It stays in your mailbox." in told.text
    with committed():
        lifecycle.restore_mailbox(helene, by=webmaster)
    assert sent_on(mailbox.login) == [to]
    told = Event.objects.filter(subject_id=mailbox.pk, verb__startswith="forwarding")
    verbs = told.values_list("verb", flat=True)
    assert list(verbs.order_by("pk")) == ["forwarding.target_gone", "forwarding.target_back"]


def test_its_user_is_told_in_their_own_language(mailbox, owner, helene, webmaster, committed):
    type(owner).objects.filter(pk=owner.pk).update(language="nl")
    forward(mailbox, HELENE)
    with committed():
        lifecycle.delete_mailbox(helene, by=webmaster)
    assert "neemt geen mail meer aan" in Mail.objects.get().text


def test_the_other_targets_still_get_it(mailbox, helene, webmaster, committed):
    forward(mailbox, HELENE, "home@outside.test")
    with committed():
        lifecycle.delete_mailbox(helene, by=webmaster)
    assert sent_on(mailbox.login) == ["home@outside.test"]
    assert "It still goes to home@outside.test." in Mail.objects.get().text


def test_so_it_is_when_new_mail_is_refused(mailbox, helene, webmaster, committed):
    forward(mailbox, HELENE)
    for takes_mail in (False, True):
        with committed():
            lifecycle.switch_mailbox(helene, {"receives": takes_mail}, by=webmaster)
        assert sent_on(mailbox.login) == ([HELENE] if takes_mail else [])


def test_so_it_is_when_the_target_is_an_alias(mailbox, helene, webmaster, domain, committed):
    info = aliases.create_alias(domain, "info@example.test", [HELENE], by=webmaster)
    forward(mailbox, "info@example.test")
    with committed():
        lifecycle.delete_mailbox(helene, by=webmaster, with_aliases=True)
    assert sent_on(mailbox.login) == []
    with committed():
        lifecycle.restore_mailbox(helene, by=webmaster)
    assert sent_on(mailbox.login) == ["info@example.test"]
    with committed():
        aliases.delete_alias(Alias.objects.get(pk=info.pk), by=webmaster)
    assert sent_on(mailbox.login) == []


def test_a_new_mailbox_with_the_address_gets_nothing_by_itself(mailbox, helene, webmaster, committed, domain):
    forward(mailbox, HELENE)
    with committed():
        lifecycle.delete_mailbox(helene, by=webmaster)
    Mailbox.objects.filter(pk=helene.pk).delete()
    made(domain, "helene")
    assert Forwarding.objects.get().targets.get().gone_at is not None


def test_another_customers_user_and_webmasters_are_told_by_the_portal(
    mailbox, other_domain, stranger, webmaster, committed
):
    wanda = webmaster_of(other_domain, "wanda")
    Person.objects.filter(pk=wanda.pk).update(email="wanda@x.test")
    bert = Mailbox.objects.get(owner=stranger)
    forward(bert, mailbox.address)
    aliases.create_alias(other_domain, "partner@elsewhere.test", [mailbox.address], by=wanda)
    with committed():
        lifecycle.delete_mailbox(mailbox, by=webmaster)
    assert sent_on(bert.login) == []
    assert Event.objects.get(verb="forwarding.target_gone").by is None
    assert Alias.objects.get(address="partner@elsewhere.test").addresses() == [mailbox.address]
    assert Mail.objects.get().address == bert.address
    assert mail_alarms() == 1
    told = Mail.objects.get(address="wanda@x.test").text
    assert "partner@elsewhere.test" in told
    assert "bert@elsewhere.test" in told
    assert webmaster.username not in told
    with committed():
        lifecycle.restore_mailbox(mailbox, by=webmaster)
    assert not RedirectAlarm.objects.open().exists()
    with committed():
        lifecycle.delete_mailbox(mailbox, by=webmaster)
    assert mail_alarms() == 0, "nobody is mailed about one target more often than once a day"


def test_the_pages_list_what_leads_there_first(client, mailbox, helene, webmaster, stranger, domain):
    forward(mailbox, HELENE)
    forward(Mailbox.objects.get(owner=stranger), HELENE)
    AutoReply.objects.create(mailbox=made(domain, "carl"), text=f"Ask {HELENE}.")
    ReplyTemplate.objects.create(domain=domain, title="Away", language="en", text=f"Ask {HELENE.upper()}!")
    client.force_login(webmaster)
    for page in ("delete", "switch"):
        shown = client.get(f"/mailboxes/{HELENE}/{page}/?to=off").content.decode()
        assert 'href="/mailboxes/anna@example.test/forwarding/"' in shown
        assert 'href="/mailboxes/carl@example.test/auto-reply/"' in shown
        assert "a template" in shown
        assert "bert@" not in shown


def test_the_forwarding_page_says_that_nothing_goes_there(client, mailbox, helene, webmaster, owner):
    forward(mailbox, HELENE)
    lifecycle.delete_mailbox(helene, by=webmaster)
    client.force_login(owner, "accounts.backends.MailboxBackend")
    shown = client.get("/mailboxes/anna@example.test/forwarding/").content.decode()
    assert 'data-answer="gone"' in shown
    assert "takes no mail any more since" in shown


@pytest.mark.parametrize("page", ["delete", "switch"])
def test_who_forwards_to_an_alias_of_it_is_listed_before_it_goes(
    client, mailbox, helene, webmaster, domain, committed, page
):
    with committed():
        aliases.create_alias(domain, "team@example.test", [HELENE], by=webmaster)
        aliases.create_alias(domain, "all@example.test", ["team@example.test"], by=webmaster)
    forward(mailbox, "all@example.test")
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    shown = client.get(f"/mailboxes/{HELENE}/{page}/").content.decode()
    assert 'href="/mailboxes/anna@example.test/forwarding/"' in shown
