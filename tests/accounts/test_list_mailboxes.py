from datetime import timedelta
from html import escape

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import Mailbox, Person
from mailservers.models import Change, Server, Usage
from vacation.models import AutoReply, Forwarding, ForwardingTarget

# Orders, pages and searches are what databases differ in.
pytestmark = pytest.mark.sql
URL = "/domains/example.test/"


@pytest.fixture
def many(domain):
    return Mailbox.objects.bulk_create(
        Mailbox(
            address=f"user{number:03}@example.test",
            domain=domain,
            server=domain.server,
            login=f"example{number:04}",
            name="Nora Näf" if number == 77 else "",
            quota_bytes=0,
        )
        for number in range(1, 121)
    )


@pytest.fixture
def willem(client, webmaster):
    client.force_login(webmaster)
    return client


def addresses(answer):
    return [row.mailbox.address.partition("@")[0] for row in answer.context["rows"]]


def test_the_pages_lead_forth_and_back_without_losing_a_row(willem, many):
    first = willem.get(URL)
    second = willem.get(URL, {"after": first.context["page"].after})
    third = willem.get(URL, {"after": second.context["page"].after})
    seen = addresses(first) + addresses(second) + addresses(third)
    assert seen == [f"user{number:03}" for number in range(1, 121)]
    assert addresses(willem.get(URL, {"before": third.context["page"].before})) == addresses(second)


def test_the_ends_have_no_further_page(willem, many):
    first = willem.get(URL).context["page"]
    last = willem.get(URL, {"after": "user100@example.test"}).context["page"]
    assert (first.before, last.after) == ("", "")


@pytest.mark.parametrize("sought", ["user077", "USER077@", "example0077", "näf", " nora "])
def test_search_finds_by_address_login_and_name(willem, many, sought):
    assert addresses(willem.get(URL, {"q": sought})) == ["user077"]


@pytest.mark.parametrize("sought", ["%", "_", "' OR 1=1 --", "\\"])
def test_signs_with_a_meaning_in_sql_are_only_letters(willem, many, sought):
    assert addresses(willem.get(URL, {"q": sought})) == []


def test_a_search_without_result_says_so_and_keeps_what_was_sought(willem, many):
    page = willem.get(URL, {"q": "zebra"}).content.decode()
    assert 'value="zebra"' in page


def test_the_queries_do_not_grow_with_the_rows(willem, many, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        willem.get(URL)


def test_deleted_mailboxes_are_gone(willem, many):
    Mailbox.objects.filter(login="example0001").update(deleted_at="2026-11-01T00:00:00Z")
    assert "user001" not in addresses(willem.get(URL))


@pytest.fixture
def varied(many):
    """Of the 120: the first ten hold mail, two sign in, one is off, one fails, one waits."""
    now = timezone.now()
    for place, box in enumerate(many[:10]):
        Usage.objects.create(mailbox=box, bytes_used=1000 - place // 2, wanted_bytes=0, read_at=now)
    for place in (3, 4):
        who = Person.objects.create(username=f"p{place}", last_login=now - timedelta(days=place))
        Mailbox.objects.filter(pk=many[place].pk).update(owner=who)
    Mailbox.objects.filter(pk=many[5].pk).update(enabled=False)
    for place, state in ((6, "failed"), (7, "waiting"), (8, "live")):
        Change.objects.create(mailbox=many[place], aspect="account", server=many[place].server, state=state)
    return many


@pytest.mark.parametrize(
    ("show", "found"),
    [
        (["off"], ["user006"]),
        (["failed"], ["user007"]),
        (["waiting"], ["user008"]),
        (["waiting", "off"], []),
        (["forwards-outside"], ["user010"]),
        (["auto-reply", "no-password"], ["user001"]),
    ],
)
def test_filters_find_what_all_of_them_say(willem, varied, show, found):
    AutoReply.objects.create(mailbox=varied[0], enabled=True, text="Away.")
    for place, target in ((9, "a@outside.test"), (8, "b@example.test")):
        forwarding = Forwarding.objects.create(mailbox=varied[place], enabled=True)
        ForwardingTarget.objects.create(forwarding=forwarding, address=target)
    assert addresses(willem.get(URL, {"show": show})) == found


def test_who_never_signed_in_is_found_and_everything_live_leaves_out_what_is_not(willem, varied):
    never = [address for page in pages(willem, {"show": "never-used"}) for address in page]
    assert len(never) == 118
    live = [address for page in pages(willem, {"show": "live"}) for address in page]
    assert set(live) == {f"user{number:03}" for number in range(1, 121)} - {"user007", "user008"}


def pages(client, query):
    """Forth to the last page, then back to the first: both ways show the same rows."""
    forth, answer = [], client.get(URL, query)
    forth.append(addresses(answer))
    while answer.context["page"].after:
        answer = client.get(URL, {**query, "after": answer.context["page"].after})
        forth.append(addresses(answer))
    back = [forth[-1]]
    while answer.context["page"].before:
        answer = client.get(URL, {**query, "before": answer.context["page"].before})
        back.append(addresses(answer))
    assert back[::-1] == forth
    return forth


@pytest.mark.parametrize(
    ("sort", "first"),
    [
        ("room", ["user002", "user001", "user004", "user003"]),
        ("signed-in", ["user004", "user005"]),
        ("newest", ["user120", "user119"]),
    ],
)
def test_each_order_has_pages_forth_and_back_without_losing_a_row(willem, varied, sort, first):
    found = pages(willem, {"sort": sort})
    assert found[0][: len(first)] == first
    every = [address for page in found for address in page]
    assert len(every) == len(set(every)) == 120


@pytest.mark.parametrize(
    "query",
    [
        "sort=room&after=x",
        "sort=room&after=9999999999999999999999_99999999999999999999",
        "sort=signed-in&before=_1",
        "sort=signed-in&after=0001-01-01T00:00:00%2B14:00_1",
        "sort=nonsense",
        "show=what",
    ],
)
def test_an_address_that_somebody_made_up_shows_the_list(willem, many, query):
    assert willem.get(f"{URL}?{query}").status_code == 200


@pytest.mark.parametrize("query", ["q=a%00b", "server=%00", "after=%00"])
def test_what_no_keyboard_types_is_refused_on_every_database(willem, many, query):
    assert willem.get(f"{URL}?{query}").status_code == 400


@pytest.mark.parametrize(
    ("key", "first"),
    [("after=zzz", "user001"), ("before=aaa", "user001"), ("sort=newest&after=0_0", "user120")],
)
def test_behind_the_last_row_the_list_begins_again(willem, many, key, first):
    answer = willem.get(f"{URL}?q=user&{key}")
    assert (addresses(answer)[0], answer.context["page"].before) == (first, "")
    assert answer.context["page"].after


def test_each_filter_has_a_chip_that_takes_it_away_and_keeps_the_rest(willem, varied):
    answer = willem.get(URL, {"q": "user0", "show": ["off", "no-password"], "sort": "room"})
    first, *_others = answer.context["chips"]
    assert addresses(willem.get(first.url_without)) != addresses(answer)
    assert "q=user0" in first.url_without
    assert "sort=room" in first.url_without
    assert "no-password" in first.url_without
    assert f'href="{escape(first.url_without)}"' in answer.content.decode()


def test_servers_are_a_choice_only_where_the_domain_lives_on_several(willem, many):
    assert 'id="server"' not in willem.get(URL).content.decode()
    other = Server.objects.create(name="another", kind="memory")
    Mailbox.objects.filter(pk=many[8].pk).update(server=other)
    answer = willem.get(URL, {"server": "another", "q": "user0"})
    assert answer.context["servers"] == ["another", "maximusconfessor"]
    assert '<option value="another" selected>' in answer.content.decode()
    assert addresses(answer) == ["user009"]


def test_a_long_list_says_more_than_so_many_instead_of_counting_them_all(willem, many, monkeypatch):
    monkeypatch.setattr("accounts.mailbox_list.COUNTED", 100)
    assert "more than 100 mailboxes" in willem.get(URL).content.decode()


def test_searching_uses_the_index_where_the_database_has_one(many):
    found = Mailbox.objects.matching("ser07")
    assert found.count() == 10
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            # Of so few rows any other way would do as well.
            for way in ("seqscan", "indexscan", "indexonlyscan"):
                cursor.execute(f"SET LOCAL enable_{way} = off")
        assert "mailbox_searched" in found.explain()
