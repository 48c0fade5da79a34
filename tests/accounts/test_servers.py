"""The pages about mail servers, and what their people are told."""

import dataclasses
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.chain import record
from audit.models import Event
from mailservers import outbox
from mailservers.drivers.base import Refused, ServerAway, TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Server, Slot
from portal.celery import app

LIST = "/servers/"
PAGE = "/servers/maximusconfessor/"
MAILBOX = "/mailboxes/anna@example.test/"


@pytest.fixture
def ask(mailbox):
    """Asks for a push of the account; nothing is pushed yet."""

    def ask():
        return outbox.request_push(mailbox, "account", record("mailbox.created", by=None, about=mailbox))

    return ask


@pytest.fixture
def away(server):
    """The breaker is open, as after three attempts that could not reach it."""
    moment = timezone.now() - timedelta(minutes=5)
    Server.objects.update(
        failures_in_a_row=3,
        away_since=moment,
        probe_at=timezone.now() + timedelta(seconds=50),
        last_error="%(server)s cannot be reached.",
        last_error_values={"server": "maximusconfessor"},
        last_error_at=moment,
    )


def read(client, url):
    answer = client.get(url)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def press(client, button, committed):
    """The page as it then is: with what it said of the button, and what the workers did meanwhile."""
    with committed():
        said = client.post(f"{PAGE}{button}/", follow=True).content.decode()
    return " ".join(said.split()) + read(client, PAGE)


def the_server():
    return Server.objects.get()


def test_the_list_tells_how_each_goes(client, operator, server, ask):
    for _ in range(3):
        ask()
    Change.objects.filter(pk=Change.objects.first().pk).update(state="live", settled_at=timezone.now())
    Slot.objects.take(server, timedelta(minutes=1))
    Server.objects.create(name="other", kind="memory")
    client.force_login(operator)
    page = read(client, LIST)
    assert f'href="{PAGE}"' in page
    assert f'href="{PAGE}waiting/">2<' in page
    assert '<td role="cell" data-label="Pushes a minute" class="number"><span>0.1</span></td>' in page
    assert "<span>1 of 4</span>" in page
    assert "not spoken to yet" in page


def test_the_list_costs_the_same_for_many_servers(
    client, operator, server, ask, django_assert_max_num_queries
):
    for number in range(30):
        Server.objects.create(name=f"other{number}", kind="memory")
    client.force_login(operator)
    with django_assert_max_num_queries(8):
        client.get(LIST)


def test_only_failures_that_nothing_newer_stands_for_are_counted(client, operator, ask):
    ask()
    Change.objects.update(state="failed", settled_at=timezone.now())
    client.force_login(operator)
    assert f'<a id="failed" href="{PAGE}failed/">1</a>' in read(client, PAGE)
    ask()
    assert "<dt>Failed</dt><dd>0<" in read(client, PAGE)


def test_the_page_of_a_server_that_is_away_says_since_when_and_why(client, support, away):
    client.force_login(support)
    page = read(client, PAGE)
    assert 'data-standing="away"' in page
    assert "away since" in page
    assert "maximusconfessor cannot be reached." in page
    assert "Next attempt" in page


def test_the_day_is_drawn_and_told_in_a_table(client, operator, ask):
    for state, hours in [("live", 1), ("live", 1), ("failed", 1), ("live", 20), ("live", 30)]:
        change = ask()
        at = timezone.now() - timedelta(hours=hours)
        Change.objects.filter(pk=change.pk).update(state=state, settled_at=at)
    client.force_login(operator)
    page = read(client, PAGE)
    assert "3 reached it, 1 failed." in page
    assert page.count('<th scope="row"><time') == 2
    assert '<data value="2">2</data></td><td class="number"><data value="1">1</data>' in page
    assert "style=" not in page


def test_support_looks_and_has_no_buttons(client, support, server):
    client.force_login(support)
    page = read(client, PAGE)
    for words in ("Check now", "Pause", "Push what is due", "Compare now", "Change the maintenance"):
        assert words not in page


def test_the_figures_refresh_themselves_alone(client, support, server):
    client.force_login(support)
    page = read(client, PAGE)
    assert f'hx-get="{PAGE}" hx-trigger="every 10s"' in page
    live = client.get(PAGE, headers={"HX-Request": "true"}).content.decode()
    assert live.strip().startswith("<dl")
    for part in ("standing", "day-figures", "reach-facts"):
        assert f'id="{part}" hx-swap-oob="true"' in live
        assert f'id="{part}" hx-swap-oob' not in page
    rows = client.get(LIST, headers={"HX-Request": "true"}).content.decode()
    assert rows.strip().startswith("<table")
    assert f'href="{PAGE}"' in rows


@pytest.mark.parametrize("url", [LIST, PAGE])
def test_a_page_can_be_held_still(client, support, server, url):
    client.force_login(support)
    assert 'href="?still"' in read(client, url)
    assert "every 10s" not in read(client, f"{url}?still")


def test_the_failed_changes_are_listed_with_their_reasons(client, support, ask):
    change = ask()
    values = {"state": "failed", "settled_at": timezone.now(), "attempts": 3}
    Change.objects.filter(pk=change.pk).update(
        reason="%(server)s is full.", reason_values={"server": "x"}, **values
    )
    client.force_login(support)
    page = read(client, f"{PAGE}failed/")
    assert f'href="{MAILBOX}"' in page
    assert "Failed: x is full." in page
    assert "Try it again" not in page
    assert "Nothing waits" in read(client, f"{PAGE}waiting/")


def test_all_that_failed_is_tried_again_behind_what_single_people_save(client, operator, ask, committed):
    old, failed = ask(), ask()
    Change.objects.update(state="failed", settled_at=timezone.now())
    client.force_login(operator)
    assert "Try it again" in read(client, f"{PAGE}failed/")
    page = press(client, "try-again", committed)
    assert "1 change is tried again." in page
    assert "olga had what failed on maximusconfessor tried again" in page
    old.refresh_from_db()
    failed.refresh_from_db()
    assert (old.state, failed.state, failed.priority) == ("failed", "live", Change.Priority.BULK)
    assert "There is nothing to try again" in press(client, "try-again", committed)
    assert Event.objects.filter(verb="server.tried_again").count() == 1


def test_long_lists_have_pages(client, operator, ask):
    for _ in range(51):
        ask()
    client.force_login(operator)
    first = read(client, f"{PAGE}waiting/")
    oldest_shown = Change.objects.order_by("-pk")[49].pk
    assert f"?before={oldest_shown}" in first
    assert read(client, f"{PAGE}waiting/?before={oldest_shown}").count('data-state="waiting"') == 1


def test_the_server_is_compared_and_what_was_changed_there_is_listed(
    client, operator, mailbox, ask, committed
):
    with committed():
        ask()
    [account] = MemoryDriver.accounts.values()
    MemoryDriver.accounts[account.login] = dataclasses.replace(account, quota_bytes=5)
    client.force_login(operator)
    page = press(client, "compare", committed)
    assert "olga had maximusconfessor compared with what was set here" in page
    assert "1 change to look at" in page
    assert re.search(r"Compared <time[^>]*>[^<]*</time>: \d+ part", page)
    assert f'href="{MAILBOX}"' in read(client, f"{PAGE}drifted/")
    assert f'href="{PAGE}drifted/">1<' in read(client, LIST)


def test_pause_holds_changes_back_and_resume_lets_them_go(client, operator, ask, committed):
    client.force_login(operator)
    assert "Paused: changes wait until you resume." in press(client, "pause", committed)
    with committed():
        change = ask()
    change.refresh_from_db()
    assert change.state == "waiting"
    page = press(client, "resume", committed)
    assert "olga paused the pushing to maximusconfessor" in page
    assert "olga resumed the pushing to maximusconfessor" in page
    change.refresh_from_db()
    assert change.state == "live"


def test_pausing_twice_is_one_event(client, operator, server, committed):
    client.force_login(operator)
    press(client, "pause", committed)
    since = the_server().paused_at
    press(client, "pause", committed)
    assert the_server().paused_at == since
    assert Event.objects.filter(verb="server.paused").count() == 1


def test_push_what_is_due_does_not_wait_for_the_next_attempt(client, operator, ask, committed):
    MemoryDriver.failures.append(TryAgain("Busy."))
    with committed():
        change = ask()
    change.refresh_from_db()
    assert change.state == "waiting"
    client.force_login(operator)
    page = press(client, "push", committed)
    assert "olga had everything that waits for maximusconfessor pushed" in page
    change.refresh_from_db()
    assert change.state == "live"


def test_push_what_is_due_tries_at_once_whether_an_away_server_is_back(
    client, operator, ask, away, committed
):
    change = ask()
    client.force_login(operator)
    press(client, "push", committed)
    change.refresh_from_db()
    assert change.state == "live"
    assert not the_server().is_away


def test_nothing_is_pushed_while_paused_and_the_page_says_so(client, operator, ask, committed):
    Server.objects.update(paused_at=timezone.now())
    change = ask()
    client.force_login(operator)
    assert "Nothing is pushed while the server is paused" in press(client, "push", committed)
    change.refresh_from_db()
    assert change.state == "waiting"


def test_check_now_shows_the_version_or_what_is_wrong(client, operator, server, committed):
    client.force_login(operator)
    assert "all well, memory" in press(client, "check", committed)
    MemoryDriver.failures.append(Refused("The sign-in of %(server)s is refused.", server="x"))
    assert "The sign-in of x is refused." in press(client, "check", committed)
    assert not the_server().is_away
    assert Event.objects.filter(verb="server.check_requested").count() == 2


def test_while_no_worker_answers_the_page_asks_again_and_then_says_so(client, operator, server, committed):
    app.conf.task_always_eager = False
    client.force_login(operator)
    page = press(client, "check", committed)
    assert "The server is being checked." in page
    assert 'hx-get="/servers/maximusconfessor/check/answer/?asked=1"' in page
    answer = read(client, f"{PAGE}check/answer/?asked=3")
    assert answer.startswith("<span")
    assert "asked=4" in answer
    Server.objects.update(check_asked_at=timezone.now() - timedelta(minutes=3))
    late = read(client, f"{PAGE}check/answer/?asked=9")
    assert "no worker listens for this server" in late
    assert "hx-get" not in late


def test_maintenance_is_planned_told_and_kept_in_the_events(client, operator, mailbox, ask, committed):
    client.force_login(operator)
    answer = client.post(
        f"{PAGE}maintenance/",
        {"maintenance_starts": "", "maintenance_ends": "2100-01-01T12:00", "notice": "New disks. <b>"},
    )
    assert answer.status_code == 302
    assert the_server().is_in_maintenance
    with committed():
        change = ask()
    change.refresh_from_db()
    assert change.state == "waiting"
    assert "olga changed the maintenance or the texts of maximusconfessor" in read(client, PAGE)
    client.force_login(mailbox.owner)
    page = read(client, MAILBOX)
    assert 'data-banner="maintenance"' in page
    assert "New disks. &lt;b&gt;" in page
    assert "is kept and reaches the mail server by itself" in page


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"maintenance_starts": "2100-01-02T00:00", "maintenance_ends": "2100-01-01T00:00"}, "not after"),
        ({"maintenance_ends": "yesterday"}, "Enter a valid date/time."),
        ({"notice": "x" * 1001}, "at most 1000 characters"),
    ],
)
def test_a_maintenance_that_cannot_be_is_refused(client, operator, server, typed, told):
    client.force_login(operator)
    answer = client.post(f"{PAGE}maintenance/", typed)
    assert told in answer.content.decode()
    assert the_server().maintenance_ends is None
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    "url", [MAILBOX, f"{MAILBOX}auto-reply/", f"{MAILBOX}history/", "/domains/example.test/"]
)
def test_people_of_a_server_that_is_away_are_told(client, webmaster, mailbox, away, url):
    Server.objects.update(notice="We are at it: 02 555 00 00.")
    client.force_login(webmaster)
    page = read(client, url)
    assert "maximusconfessor cannot be reached (since" in page
    assert "We are at it: 02 555 00 00." in page


def test_a_maintenance_is_told_three_days_before_and_not_earlier(client, mailbox, webmaster):
    client.force_login(webmaster)
    Server.objects.update(maintenance_starts=timezone.now() + timedelta(days=4))
    assert "data-banner" not in read(client, MAILBOX)
    Server.objects.update(maintenance_starts=timezone.now() + timedelta(days=2))
    assert "maximusconfessor will be in maintenance from" in read(client, MAILBOX)


def test_without_trouble_nobody_sees_a_banner(client, mailbox, webmaster):
    client.force_login(webmaster)
    assert "data-banner" not in read(client, MAILBOX)


def test_staff_find_the_page_in_the_navigation_and_others_do_not(client, support, webmaster, server):
    client.force_login(support)
    assert 'href="/servers/"' in read(client, "/domains/")
    client.force_login(webmaster)
    assert 'href="/servers/"' not in read(client, "/domains/")


def test_a_server_named_by_nobody_is_not_found(client, operator, server):
    client.force_login(operator)
    assert client.get("/servers/no-such/").status_code == 404
    assert client.post("/servers/no-such/pause/").status_code == 404


def test_errors_of_checks_open_the_breaker_like_those_of_pushes(client, operator, server, committed):
    client.force_login(operator)
    MemoryDriver.failures.extend([ServerAway("It cannot be reached.")] * 3)
    for _ in range(3):
        press(client, "check", committed)
    assert the_server().is_away
    press(client, "check", committed)
    assert not the_server().is_away
    assert the_server().reachable_since is not None
