import pytest

from accounts.models import Mailbox

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
    return [mailbox.address.partition("@")[0] for mailbox, _change in answer.context["rows"]]


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
