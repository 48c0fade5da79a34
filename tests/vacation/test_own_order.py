"""Whether rules made in webmail run before the auto-reply and the forwarding."""

import pytest
from django.utils import timezone

from audit.models import Event
from mailservers import outbox
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Server
from vacation.aspects import desired_script
from vacation.forwarding import TooManyTogether, save_forwarding
from vacation.models import AutoReply, DomainRules, Forwarding, OwnScripts
from vacation.services import save_auto_reply

LOGIN = "example0001"
PAGES = ("auto-reply", "forwarding")


@pytest.fixture
def away(mailbox, owner, committed):
    with committed():
        save_auto_reply(AutoReply(mailbox=mailbox, enabled=True, text="Away."), seen_version=0, by=owner)
    return mailbox


def choose(client, mailbox, order, page="auto-reply"):
    address = f"/mailboxes/{mailbox.address}/own-rules/"
    return client.post(address, {"order": order, "page": page}, follow=True)


@pytest.mark.parametrize("page", PAGES)
def test_they_run_first_unless_somebody_chooses_otherwise(page, client, away, owner, committed):
    client.force_login(owner)
    assert MemoryDriver.scripts[LOGIN].own_first
    shown = client.get(f"/mailboxes/{away.address}/{page}/").content.decode()
    assert 'value="first" checked' in shown
    with committed():
        shown = choose(client, away, "last", page)
    assert shown.redirect_chain[-1][0].endswith(f"/{page}/")
    assert 'value="last" checked' in shown.content.decode()
    assert not MemoryDriver.scripts[LOGIN].own_first
    event = Event.objects.get(verb="own_rules.ordered")
    assert (event.before, event.after) == ({"own_rules_first": True}, {"own_rules_first": False})


def test_what_is_so_already_is_no_change(client, away, owner):
    client.force_login(owner)
    before = Change.objects.count()
    assert "nothing was changed" in choose(client, away, "first").content.decode()
    assert Change.objects.count() == before


def test_while_the_server_takes_no_changes_the_page_does_not_say_that_it_is_told(client, away, owner):
    Server.objects.update(paused_at=timezone.now())
    client.force_login(owner)
    shown = choose(client, away, "last").content.decode()
    assert "takes no changes just now: it is told as soon as it does" in shown


def test_the_choice_is_undone(client, away, owner, committed):
    client.force_login(owner)
    with committed():
        choose(client, away, "last")
    for first in (True, False):
        with committed():
            outbox.undo(Change.objects.with_way_back().latest("pk"), by=owner)
        assert MemoryDriver.scripts[LOGIN].own_first is first
        assert OwnScripts.objects.get().run_first is first


def test_somebody_who_may_change_neither_chooses_nothing(client, away, owner):
    DomainRules.objects.create(domain=away.domain, auto_reply="webmaster", forwarding="webmaster")
    client.force_login(owner)
    assert choose(client, away, "last").status_code == 404
    shown = client.get(f"/mailboxes/{away.address}/auto-reply/").content.decode()
    assert "They run before the auto-reply and the forwarding." in shown
    assert not OwnScripts.objects.filter(run_first=False).exists()


def test_another_customers_webmaster_finds_nothing(client, away, other_webmaster):
    client.force_login(other_webmaster)
    assert choose(client, away, "last").status_code == 404
    assert not OwnScripts.objects.exists()


def test_where_it_makes_no_difference_there_is_no_order(away):
    """So nothing differs for a mailbox that is off, or frozen: nothing of its own runs before that."""
    OwnScripts.objects.create(mailbox=away, run_first=False)
    away = type(away).objects.select_related("auto_reply", "own_scripts", "domain").get()
    assert not desired_script(away).own_first
    away.auto_reply.enabled = False
    assert desired_script(away).own_first


def test_what_stands_against_it_is_on_both_pages(client, away, owner):
    note = [
        "Your script “%(script)s” refuses mail and lets other rules go on: such mail lies in the inbox"
        " then. Please add “stop” behind it in webmail.",
        {"script": "mine"},
    ]
    OwnScripts.objects.create(mailbox=away, notes=[note])
    Forwarding.objects.create(mailbox=away)
    client.force_login(owner)
    for page in PAGES:
        shown = client.get(f"/mailboxes/{away.address}/{page}/").content.decode()
        assert "Your script “mine” refuses mail" in shown


def test_notes_that_say_nothing_leave_the_page_as_it_is(client, away, owner):
    OwnScripts.objects.create(mailbox=away, notes=["odd", ["Only this."], 7])
    client.force_login(owner)
    assert client.get(f"/mailboxes/{away.address}/auto-reply/").status_code == 200


def test_too_many_addresses_with_those_of_own_rules_are_told_before_they_are_saved(client, away, owner):
    OwnScripts.objects.create(mailbox=away, redirects=["book@example.test", "keeper@example.test"])
    client.force_login(owner)
    typed = {"enabled": "on", "keep_copy": "on", "version": "0"}
    typed["addresses"] = "a@example.test, b@example.test, c@example.test"
    address = f"/mailboxes/{away.address}/forwarding/"
    shown = client.post(address, typed).content.decode()
    assert "Your rules in webmail send mail on to book@example.test, keeper@example.test." in shown
    assert typed["addresses"] in shown
    assert not Forwarding.objects.exists()


def test_the_service_counts_those_of_own_rules_as_the_last_to_ask(away, owner):
    """A look may have found them since the form was judged."""
    OwnScripts.objects.create(mailbox=away, redirects=["book@example.test", "keeper@example.test"])
    wanted = ["a@example.test", "b@example.test", "c@example.test"]
    with pytest.raises(TooManyTogether):
        save_forwarding(Forwarding(mailbox=away, enabled=True), wanted, seen_version=0, by=owner)
    save_forwarding(Forwarding(mailbox=away, enabled=False), wanted, seen_version=0, by=owner)
    assert Forwarding.objects.get().addresses() == wanted
