"""Room for mail in a whole domain, and by server."""

import pytest

from accounts.models import Domain, Mailbox
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change, Usage
from quotas.models import QuotaRequest
from quotas.services import request_quota
from tests.quotas.conftest import MB, account_of, read_now

PAGE = "/domains/example.test/usage/"


@pytest.fixture
def boxes(domain):
    """60 mailboxes of 100 MB, the first ones the fullest."""
    made = Mailbox.objects.bulk_create(
        Mailbox(
            address=f"u{n:02}@example.test",
            domain=domain,
            server=domain.server,
            login=f"u{n:02}",
            quota_bytes=100 * MB,
        )
        for n in range(60)
    )
    for n, mailbox in enumerate(made):
        MemoryDriver.accounts[mailbox.login] = account_of(mailbox)
        MemoryDriver.mail[mailbox.login] = ((99 - n) * MB, 1)
    read_now(domain)
    return made


@pytest.fixture
def willem(client, webmaster):
    client.force_login(webmaster)
    return client


def words(answer):
    return " ".join(answer.content.decode().replace("\N{NO-BREAK SPACE}", " ").split())


def quotas():
    return set(Mailbox.objects.values_list("quota_bytes", flat=True))


def test_totals_and_the_ten_fullest(willem, boxes):
    answer = willem.get(PAGE)
    assert (answer.context["totals"].used, answer.context["totals"].given) == (4170 * MB, 6000 * MB)
    assert [mailbox.login for mailbox, _fill in answer.context["fullest"]] == [f"u{n:02}" for n in range(10)]
    assert "4.1 GB" in words(answer)


def test_the_filter_finds_those_above_80_percent(willem, boxes):
    answer = willem.get(PAGE, {"above": "80"})
    assert answer.context["found_count"] == 19
    assert all(fill.percent > 80 for _mailbox, _usage, fill, _change in answer.context["rows"])


def test_the_queries_do_not_grow_with_the_rows(willem, boxes, django_assert_max_num_queries):
    with django_assert_max_num_queries(18):
        willem.get(PAGE)


def test_the_ticked_ones_get_the_same_room(willem, boxes):
    ticked = ["u00@example.test", "u01@example.test"]
    willem.post(f"{PAGE}quotas/", {"mailbox": ticked, "quota_bytes": "200 MB", "which": "ticked"})
    changed = Mailbox.objects.filter(quota_bytes=200 * MB).order_by("address")
    assert [mailbox.address for mailbox in changed] == ticked
    assert Change.objects.count() == 2


def test_all_that_the_filter_finds_get_it(willem, boxes):
    willem.post(f"{PAGE}quotas/", {"quota_bytes": "200 MB", "which": "all", "above": "80"})
    assert Mailbox.objects.filter(quota_bytes=200 * MB).count() == 19


@pytest.mark.parametrize(
    "typed", [{}, {"quota_bytes": ""}, {"quota_bytes": "0 MB"}, {"quota_bytes": "200 MB", "which": "ticked"}]
)
def test_what_is_incomplete_changes_nothing(willem, boxes, typed):
    answer = willem.post(f"{PAGE}quotas/", typed)
    assert answer.status_code == 200
    assert answer.context["form"].errors
    assert quotas() == {100 * MB}


def test_more_than_the_domain_has_is_refused_with_the_lack(willem, boxes):
    Domain.objects.update(max_quota_bytes=7000 * MB)
    answer = willem.post(f"{PAGE}quotas/", {"quota_bytes": "200 MB", "which": "all"})
    assert "4.9 GB are lacking" in words(answer)
    assert quotas() == {100 * MB}


def test_nobody_gets_less_than_it_holds(willem, boxes):
    most = Usage.objects.order_by("-bytes_used")[0].bytes_used
    answer = willem.post(f"{PAGE}quotas/", {"quota_bytes": f"{most // MB - 1} MB", "which": "all"})
    assert "1 of these mailboxes holds more: with less room" in words(answer)
    assert quotas() == {100 * MB}


def test_what_was_ticked_and_typed_stays_when_something_is_wrong(willem, boxes):
    wrong = {"mailbox": ["u01@example.test"], "quota_bytes": "lots", "which": "all"}
    page = words(willem.post(f"{PAGE}quotas/", wrong))
    assert 'value="u01@example.test" checked' in page
    assert page.count(" checked") == 2
    assert 'id="which-all" checked' in page
    assert 'value="lots"' in page


def test_others_mailboxes_cannot_be_ticked(willem, boxes, stranger):
    willem.post(
        f"{PAGE}quotas/", {"mailbox": ["bert@elsewhere.test"], "quota_bytes": "1 MB", "which": "ticked"}
    )
    assert Mailbox.objects.get(address="bert@elsewhere.test").quota_bytes == 0


def test_a_request_is_approved_where_it_is_listed(willem, boxes, owner):
    asked = request_quota(boxes[0], by=owner)
    assert "has 100 MB, asked for 150 MB" in words(willem.get(PAGE))
    decide = f"/quota-requests/{asked.pk}/decide/"
    willem.post(decide, {"quota_bytes": "nothing"})
    assert QuotaRequest.objects.get().state == "waiting"
    willem.post(decide, {"quota_bytes": "150 MB"})
    boxes[0].refresh_from_db()
    assert boxes[0].quota_bytes == 150 * MB
    assert "Somebody has decided this already" in words(willem.post(decide, {"refuse": "1"}, follow=True))


def test_a_stranger_decides_nothing(client, boxes, owner, other_webmaster, support):
    asked = request_quota(boxes[0], by=owner)
    for person in (owner, other_webmaster, support):
        client.force_login(person, "accounts.backends.PersonBackend")
        assert client.post(f"/quota-requests/{asked.pk}/decide/", {"refuse": "1"}).status_code == 404
    assert QuotaRequest.objects.get().state == "waiting"


# --- the rules


def test_thresholds_are_kept_sorted_and_once(willem, domain):
    willem.post(f"{PAGE}rules/", {"warning_thresholds": "95, 50 % 95", "warn_webmasters": "on"})
    domain.refresh_from_db()
    assert (domain.warning_thresholds, domain.warn_webmasters) == ([50, 95], True)


@pytest.mark.parametrize("typed", ["0", "101", "80.5", "-1", "many", "1 2 3 4 5 6"])
def test_thresholds_that_make_no_sense(willem, domain, typed):
    assert willem.post(f"{PAGE}rules/", {"warning_thresholds": typed}).context["form"].errors
    domain.refresh_from_db()
    assert domain.warning_thresholds == [80, 95, 100]


def test_the_domains_own_limit_is_the_operators(client, willem, domain, operator):
    typed = {"warning_thresholds": "80", "max_quota_bytes": "50 GB"}
    willem.post(f"{PAGE}rules/", typed)
    domain.refresh_from_db()
    assert domain.max_quota_bytes == 0
    client.force_login(operator)
    client.post(f"{PAGE}rules/", typed)
    domain.refresh_from_db()
    assert domain.max_quota_bytes == 50 * 1024 * MB


def test_staff_see_every_server(client, support, boxes, other_domain):
    client.force_login(support)
    page = words(client.get("/usage/"))
    assert "4.1 GB used of 5.9 GB given" in page
    assert "elsewhere.test" in page
