import pytest

from accounts.languages import language_of
from accounts.models import Domain, Mailbox, Person

URL = "/settings/"


def language(client, path="/settings/", **headers) -> str:
    text = client.get(path, headers=headers, follow=True).content.decode()
    return text.partition('<html lang="')[2].partition('"')[0]


@pytest.fixture
def sign_in(client):
    """Through the page, which looks for the domain's language then."""

    def sign_in(person: Person) -> None:
        person.set_password("a long enough one")
        person.save()
        client.logout()
        client.post("/sign-in/", {"username": person.username, "password": "a long enough one"})

    return sign_in


def test_before_signing_in_the_browser_decides(client, db):
    assert language(client, "/sign-in/") == "en"
    assert language(client, "/sign-in/", accept_language="pt, nl-BE;q=0.8") == "nl"
    assert language(client, "/sign-in/", accept_language="../etc, \u0000") == "en"


def test_a_choice_at_the_foot_of_the_page_holds_in_this_browser(client, db):
    answer = client.post("/language/", {"language": "fr", "next": "/sign-in/"})
    assert answer.headers["Location"] == "/sign-in/"
    assert language(client, "/sign-in/", accept_language="nl") == "fr"


@pytest.mark.parametrize("wanted", ["xx", "", "../../nl", "n" * 10_000])
def test_a_language_that_is_none_of_ours_changes_nothing(client, db, wanted):
    assert client.post("/language/", {"language": wanted}).status_code == 302
    assert language(client, "/sign-in/") == "en"


@pytest.mark.parametrize("elsewhere", ["https://evil.test/", "//evil.test/", "evil", "accounts:show-mailbox"])
def test_it_leads_back_to_our_own_pages_only(client, db, elsewhere):
    answer = client.post("/language/", {"language": "nl", "next": elsewhere})
    assert answer.headers["Location"] == "/"


def test_the_domain_decides_for_its_people(client, mailbox, webmaster, sign_in):
    Domain.objects.update(language="de")
    for person in (mailbox.owner, webmaster):
        sign_in(person)
        assert language(client, accept_language="fr") == "de"
        assert language_of(person) == "de"


def test_the_mailboxes_own_language_comes_before_its_domains(client, mailbox, sign_in):
    Mailbox.objects.update(language="nl")
    sign_in(mailbox.owner)
    assert language(client) == "nl"


def test_domains_that_disagree_leave_it_to_the_browser(client, webmaster, other_domain, sign_in):
    other_domain.language = "de"
    other_domain.save()
    webmaster.domains.add(other_domain)
    sign_in(webmaster)
    assert language(client, accept_language="fr") == "fr"
    assert language_of(webmaster) == "en"


def test_the_persons_own_choice_comes_first(client, mailbox, sign_in):
    Domain.objects.update(language="de")
    sign_in(mailbox.owner)
    assert client.post(URL, {"language": "nl", "time_zone": "America/Lima"}).status_code == 302
    assert language(client, accept_language="fr") == "nl"
    assert language_of(Person.objects.get(pk=mailbox.owner.pk)) == "nl"
    client.post("/language/", {"language": "fr"})
    assert language(client) == "fr"
    client.post(URL, {"language": "", "time_zone": ""})
    assert language(client) == "de"


def test_times_are_those_of_the_persons_zone(client, mailbox):
    Mailbox.objects.update(password_changed_at="2025-06-12T10:03:00Z")
    client.force_login(mailbox.owner)
    page = "/mailboxes/anna@example.test/"
    assert "12:03" in client.get(page).content.decode()
    client.post(URL, {"language": "", "time_zone": "America/Lima"})
    assert "05:03" in client.get(page).content.decode()
    assert "America/Lima" in client.get(f"{page}auto-reply/").content.decode()
    client.logout()
    client.force_login(Person.objects.create(username="olga", is_operator=True))
    assert "12:03" in client.get(page).content.decode()


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "../../etc/passwd", "x" * 10_000])
def test_a_zone_that_does_not_exist_is_refused(client, owner, zone):
    client.force_login(owner)
    answer = client.post(URL, {"language": "", "time_zone": zone})
    assert "Select a valid choice" in answer.content.decode()


def test_a_zone_that_tzdata_has_dropped_is_the_portals(client, mailbox):
    Person.objects.update(time_zone="Europe/Atlantis")
    client.force_login(mailbox.owner)
    assert client.get("/mailboxes/anna@example.test/").status_code == 200
