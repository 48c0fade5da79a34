"""A mailbox's page about its room, and the way to empty its trash."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Domain, Mailbox
from mailservers.drivers.base import Limits, TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Usage, UsageDay, UsageRequest
from quotas import tasks
from quotas.models import QuotaRequest, TrashEmptying
from quotas.tasks import refresh_usage
from tests.quotas.conftest import MB, read_now

PAGE = "/mailboxes/anna@example.test/usage/"


@pytest.fixture
def anna(client, held):
    client.force_login(held.owner)
    return client


def words(answer):
    return " ".join(answer.content.decode().replace("\N{NO-BREAK SPACE}", " ").split())


def test_before_the_first_reading_it_says_so(anna):
    page = words(anna.get(PAGE))
    assert "was not read yet" in page
    assert "There is nothing to draw yet" in page


def test_it_shows_the_use_the_trash_and_the_folders(anna, held):
    read_now(held.domain)
    page = words(anna.get(PAGE))
    assert "<strong>500 MB</strong> of 1000 MB" in page
    assert 'aria-label="500 MB of 1000 MB, 50 %"' in page
    assert "trash: 50 MB, 10 % of it" in page
    assert "450 MB" in page
    assert "style=" not in page


def test_a_folders_name_is_text_in_any_script(anna, held):
    read_now(held.domain)
    name = "<b>Entwürfe</b>/李小龙.&w-"
    Usage.objects.update(folders=[{"name": name, "bytes": 5, "messages": 1, "kind": ""}])
    page = anna.get(PAGE).content.decode()
    assert "&lt;b&gt;Entwürfe&lt;/b&gt;/李小龙.&amp;w-" in page


def test_a_server_with_another_limit_is_told(anna, held):
    read_now(held.domain)
    Usage.objects.update(limit_bytes=400 * MB)
    page = words(anna.get(PAGE))
    assert "counts with another limit than the portal gave it: 400 MB" in page
    assert "125 %" in page
    Usage.objects.update(limit_bytes=0)
    assert "knows no limit for this mailbox" in words(anna.get(PAGE))


def test_the_days_are_a_table_with_a_forecast(anna, held):
    read_now(held.domain)
    today = timezone.localdate()
    UsageDay.objects.all().delete()
    UsageDay.objects.bulk_create(
        UsageDay(mailbox=held, day=today - timedelta(days=n), bytes_used=(500 - 20 * n) * MB)
        for n in range(20)
    )
    page = words(anna.get(PAGE))
    assert "it is full <strong>in about 4 weeks</strong>" in page
    assert page.count("<data value=") == 2 * 20
    assert f'<data value="{480 * MB}">480 MB</data>' in page


def test_reading_again_is_a_wish_the_page_waits_for(anna, held, monkeypatch):
    monkeypatch.setattr(tasks.refresh_usage, "apply_async", lambda *_args, **_options: None)
    assert anna.post(f"{PAGE}read-again/").status_code == 302
    partial = words(anna.get(f"{PAGE}reading/"))
    assert "hx-get" in partial
    assert "is being asked" in partial
    first = UsageRequest.objects.get().asked_at
    anna.post(f"{PAGE}read-again/")
    assert UsageRequest.objects.get().asked_at == first  # one at a time is enough
    UsageRequest.objects.update(asked_at=timezone.now() - timedelta(minutes=2))
    partial = words(anna.get(f"{PAGE}reading/"))
    assert "load delay" not in partial
    assert "has not answered" in partial


def test_once_read_it_stands_there(anna):
    anna.post(f"{PAGE}read-again/")
    partial = words(anna.get(f"{PAGE}reading/"))
    assert "load delay" not in partial
    assert "<strong>500 MB</strong>" in partial


# --- trash


def test_before_the_trash_goes_it_says_how_much(anna, held):
    anna.post(f"{PAGE}read-again/")
    page = words(anna.get(f"{PAGE}trash/"))
    assert "4 messages lie in the trash: 50 MB." in page
    assert "3 of them for more than 30 days: 30 MB." in page


def test_what_lies_long_in_the_trash_is_asked_for_and_comes_by_itself(anna, held, monkeypatch):
    read_now(held.domain)  # which does not tell it
    asked = []
    monkeypatch.setattr(refresh_usage, "apply_async", lambda *args, **options: asked.append(args))
    page = words(anna.get(f"{PAGE}trash/"))
    assert "4 messages lie in the trash: 50 MB." in page
    assert "is being asked" in page
    part = {"HX-Request": "true"}
    assert "hx-get" in words(anna.get(f"{PAGE}trash/", headers=part))
    anna.get(f"{PAGE}trash/")
    assert len(asked) == 1
    refresh_usage(held.pk)
    partial = words(anna.get(f"{PAGE}trash/", headers=part))
    assert "3 of them for more than 30 days: 30 MB." in partial
    assert "load delay" not in partial
    assert "<form" not in partial


def test_a_server_that_cannot_tell_is_not_asked_by_every_refresh(anna, held):
    MemoryDriver.failures = [TryAgain("The server is away.")]
    anna.get(f"{PAGE}trash/")
    partial = words(anna.get(f"{PAGE}trash/", headers={"HX-Request": "true"}))
    assert "The server is away." in partial
    assert "load delay" not in partial


def test_an_empty_trash_is_called_so(anna, held):
    MemoryDriver.in_trash.pop(held.login)
    assert "The trash is empty." in words(anna.get(f"{PAGE}trash/"))


def test_the_trash_is_emptied_and_the_page_shows_how_that_stands(anna, held, committed):
    with committed():
        anna.post(f"{PAGE}trash/", {"older_than": "all"})
    assert MemoryDriver.in_trash[held.login] == []
    change = Change.objects.get(aspect="trash")
    assert f'data-change="{change.pk}"' in anna.get(PAGE).content.decode()


@pytest.mark.parametrize("typed", [{}, {"older_than": ""}, {"older_than": "7"}])
def test_without_a_choice_nothing_goes(anna, held, typed):
    assert anna.post(f"{PAGE}trash/", typed).status_code == 200
    assert not TrashEmptying.objects.exists()


def test_a_kind_of_server_that_cannot_says_so(anna, held, monkeypatch):
    monkeypatch.setattr(MemoryDriver, "limits", Limits(empties_trash=False))
    page = words(anna.get(PAGE))
    assert f"{PAGE}trash/" not in page
    assert "no way for the portal to empty the trash" in page
    assert anna.get(f"{PAGE}trash/").status_code == 404


# --- more room


def test_the_user_asks_with_one_click_and_sees_the_answer(anna, held, webmaster):
    assert "Ask for 1500 MB" in words(anna.get(PAGE)) or "Ask for 1.5 GB" in words(anna.get(PAGE))
    anna.post(f"{PAGE}request/")
    page = words(anna.get(PAGE))
    assert "Nobody has decided yet" in page
    assert "Ask for" not in page
    anna.force_login(webmaster)
    number = QuotaRequest.objects.get().pk
    anna.post(f"/quota-requests/{number}/decide/", {"refuse": "1"})
    anna.force_login(held.owner)
    assert "Your last request was refused" in words(anna.get(PAGE))


def test_a_mailbox_without_a_limit_needs_no_more(anna, held):
    Mailbox.objects.update(quota_bytes=0)
    assert anna.post(f"{PAGE}request/").status_code == 404


# --- the webmaster changes the limit


@pytest.fixture
def willem(client, webmaster, held):
    client.force_login(webmaster)
    return client


def test_the_webmaster_types_a_limit(willem, held):
    answer = willem.post(f"{PAGE}quota/", {"quota_bytes": "1,5 GB"})
    assert answer.status_code == 302
    held.refresh_from_db()
    assert held.quota_bytes == 1536 * MB


@pytest.mark.parametrize("typed", ["", "0", "0 GB", "-1 GB", "much", "7"])
def test_what_is_no_limit_changes_nothing(willem, held, typed):
    answer = willem.post(f"{PAGE}quota/", {"quota_bytes": typed})
    assert answer.status_code == 200
    assert answer.context["form"].errors["quota_bytes"]
    held.refresh_from_db()
    assert held.quota_bytes == 1000 * MB


def test_saving_what_was_shown_changes_nothing_by_rounding(willem, held):
    Mailbox.objects.update(quota_bytes=1_000_000_000)
    shown = willem.get(f"{PAGE}quota/").context["form"]["quota_bytes"].value()
    willem.post(f"{PAGE}quota/", {"quota_bytes": shown})
    held.refresh_from_db()
    assert held.quota_bytes == 1_000_000_000


def test_less_than_it_holds_is_refused(willem, held):
    read_now(held.domain)
    answer = willem.post(f"{PAGE}quota/", {"quota_bytes": "400 MB"})
    assert "holds 500 MB already" in words(answer)


def test_no_limit_can_be_chosen_where_the_domain_has_none(willem, held):
    willem.post(f"{PAGE}quota/", {"quota_bytes": "", "unlimited": "on"})
    held.refresh_from_db()
    assert held.quota_bytes == 0
    Domain.objects.update(max_quota_bytes=1000 * MB)
    answer = willem.post(f"{PAGE}quota/", {"quota_bytes": "", "unlimited": "on"})
    assert answer.status_code == 200
    answer = willem.post(f"{PAGE}quota/", {"quota_bytes": "2 GB"})
    assert "1 GB are lacking" in words(answer) or "1.0 GB are lacking" in words(answer)
