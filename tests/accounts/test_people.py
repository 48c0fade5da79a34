import re
import threading

import pytest
from django.db import connection

from accounts import people
from accounts.models import Domain, DomainAdmin, Person
from accounts.names import NameTaken
from accounts.one_time_links import CHOOSE_PASSWORD, make_link
from audit.models import Event
from tests.conftest import PASSWORD, follow, step_up, webmaster_of

PERSON = {"username": "nora", "name": "Nora Maes", "email": "nora@hoster.test"}


def signed_in(client, person):
    """With the password given again just now."""
    person.set_password(PASSWORD)
    person.save()
    client.force_login(person, "accounts.backends.PersonBackend")
    client.post("/sign-in/again/", {"next": "/", "step_up_proof": PASSWORD})
    return client


@pytest.fixture
def olga(client, operator):
    return signed_in(client, operator)


@pytest.fixture
def second_operator(db):
    person = Person(username="otto", is_operator=True)
    person.set_password(PASSWORD)
    person.save()
    return person


def not_there_yet(person):
    """Invited, without a password so far."""
    person.set_unusable_password()
    person.save()


def text(answer) -> str:
    return answer.content.decode()


def test_an_operator_invites_a_webmaster_by_a_link_that_is_shown_once(olga, domain):
    fields = PERSON | {"role": "webmaster", "domain_names": "Example.TEST", "hand_over": "1"}
    page = text(olga.post("/people/invite/", fields))
    link = re.search(r'value="http://testserver(/choose-password/#[\w-]+)"', page)[1]
    nora = Person.objects.get(username="nora")
    assert list(nora.domains.all()) == [domain]
    assert not nora.has_usable_password()
    assert "nora" in text(follow(olga, link))
    assert Event.objects.get(verb="person.invited").after["domains"] == ["example.test"]


def test_an_invitation_goes_by_mail_and_whoever_invites_sees_no_link(olga, domain, committed, mailoutbox):
    with committed():
        answer = olga.post(
            "/people/invite/", PERSON | {"role": "webmaster", "domain_names": "example.test"}, follow=True
        )
    assert "A link is on its way to nora@hoster.test." in text(answer)
    assert "choose-password/?code" not in text(answer)
    (sent,) = mailoutbox
    assert sent.to == ["nora@hoster.test"]
    link = re.search(r"http://testserver(/choose-password/#[\w-]+)", sent.body)[1]
    assert "You sign in to the mail portal as" in text(follow(olga, link))


def test_nobody_is_pestered_with_invitations_in_whatever_names(
    client, webmaster, domain, committed, mailoutbox
):
    signed_in(client, webmaster)
    for n in range(25):
        fields = PERSON | {"username": f"nora{n}", "email": f"Nora+{n}@hoster.test"}
        with committed():
            page = text(client.post("/domains/example.test/webmasters/invite/", fields, follow=True))
    assert "Many links went to this address today." in page
    assert (len(mailoutbox), Person.objects.filter(username__startswith="nora").count()) == (20, 20)
    # The link can still be handed over, and others are written to.
    client.post("/domains/example.test/webmasters/invite/", PERSON | {"hand_over": "1"})
    with committed():
        client.post(
            "/domains/example.test/webmasters/invite/",
            PERSON | {"username": "noor", "email": "noor@hoster.test"},
        )
    assert len(mailoutbox) == 21


def test_a_link_is_mailed_again_to_who_lost_it(olga, webmaster, committed, mailoutbox):
    Person.objects.filter(pk=webmaster.pk).update(email="willem@hoster.test")
    with committed():
        olga.post("/people/willem/link/", {"send": "1"})
    assert "/choose-password/#" in mailoutbox[0].body
    assert Event.objects.get(verb="person.link_mailed").subject_id == webmaster.pk


def test_inviting_asks_for_the_password_again_and_keeps_what_was_typed(client, operator, domain):
    client.force_login(operator, "accounts.backends.PersonBackend")
    page = text(client.post("/people/invite/", PERSON | {"role": "support", "domain_names": ""}))
    assert "Is it still you?" in page
    assert 'name="email" value="nora@hoster.test"' in page
    assert not Person.objects.filter(username="nora").exists()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"username": "no/slash"}, "small letters, digits"),
        ({"username": "Olga"}, "has this user name already"),
        ({"email": "no address"}, "is not a mail address"),
        ({"domain_names": ""}, "needs at least one domain"),
        ({"domain_names": "example.test nowhere.test"}, "There is no domain nowhere.test here."),
        ({"domain_names": "me@example.test"}, "leave out what is before the @"),
        ({"role": "support"}, "Only webmasters have domains"),
    ],
)
def test_bad_input_is_told_and_keeps_what_was_typed(olga, domain, change, sentence):
    page = text(
        olga.post("/people/invite/", PERSON | {"role": "webmaster", "domain_names": "example.test"} | change)
    )
    assert sentence in page
    assert "Nora Maes" in page
    assert Person.objects.count() == 1


def test_the_list_finds_people_and_shows_no_mailbox_users(olga, webmaster, mailbox, support):
    page = text(olga.get("/people/"))
    assert "willem" in page
    assert "sam" in page
    assert "anna@example.test" not in page
    page = text(olga.get("/people/?q=WILL"))
    assert "willem" in page
    assert "/people/sam/" not in page


def test_roles_and_domains_change_and_sessions_end(olga, webmaster, other_domain):
    fields = {"role": "webmaster", "domain_names": "elsewhere.test"}
    assert olga.post("/people/willem/rights/", fields).status_code == 302
    assert list(webmaster.domains.all()) == [other_domain]
    event = Event.objects.get(verb="person.rights_changed")
    assert (event.before["domains"], event.after["domains"]) == (["example.test"], ["elsewhere.test"])


def test_nobody_changes_their_own_rights(olga, operator):
    page = text(olga.post("/people/olga/rights/", {"role": "support", "domain_names": ""}))
    assert "ask another operator" in page
    operator.refresh_from_db()
    assert operator.is_operator


@pytest.mark.parametrize("action", ["disable", "remove"])
def test_the_last_operator_who_can_sign_in_stays(operator, second_operator, action):
    not_there_yet(operator)
    with pytest.raises(people.NotAllowed, match="last operator"):
        getattr(people, action)(second_operator, by=operator)


def test_the_last_operator_is_not_made_less(operator, second_operator):
    not_there_yet(operator)
    with pytest.raises(people.NotAllowed, match="last operator"):
        people.change_rights(second_operator, is_operator=False, is_support=True, domains=[], by=operator)
    second_operator.refresh_from_db()
    assert second_operator.is_operator


def test_an_operator_removes_another_while_one_stays(olga, operator, second_operator):
    olga.post("/people/otto/remove/")
    assert not Person.objects.filter(username="otto").exists()
    assert Event.objects.get(verb="person.removed").subject == "otto"


def test_a_disabled_person_is_out_at_once_and_comes_back(client, operator, webmaster):
    webmaster.set_password(PASSWORD)
    webmaster.save()
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    people.disable(webmaster, by=operator)
    assert client.get("/domains/").status_code == 302
    people.enable(webmaster, by=operator)
    assert client.get("/domains/").headers["Location"].startswith("/sign-in/")
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    assert client.get("/domains/").status_code == 200


def test_disabling_ends_links(operator, webmaster):
    make_link(CHOOSE_PASSWORD, webmaster, by=operator)
    people.disable(webmaster, by=operator)
    people.enable(webmaster, by=operator)
    assert not webmaster.one_time_links.exists()


def test_a_webmaster_invites_another_of_the_own_domain(client, webmaster, domain):
    page = text(
        signed_in(client, webmaster).post(
            "/domains/example.test/webmasters/invite/", PERSON | {"hand_over": "1"}
        )
    )
    assert "/choose-password/#" in page
    assert list(Person.objects.get(username="nora").domains.all()) == [domain]


def test_a_webmaster_makes_nobody_more_than_that(client, webmaster, other_domain):
    more = PERSON | {"role": "operator", "is_operator": "on", "domain_names": "elsewhere.test"}
    signed_in(client, webmaster).post("/domains/example.test/webmasters/invite/", more)
    nora = Person.objects.get(username="nora")
    assert not nora.is_operator
    assert [domain.name for domain in nora.domains.all()] == ["example.test"]


def test_a_webmaster_takes_the_domain_from_an_equal_and_not_from_who_has_more(
    client, webmaster, domain, other_domain
):
    equal, more = webmaster_of(domain, "evert"), webmaster_of(domain, "maria")
    DomainAdmin.objects.create(person=more, domain=other_domain)
    page = text(signed_in(client, webmaster).get("/domains/example.test/webmasters/"))
    assert "/domains/example.test/webmasters/evert/remove/" in page
    assert "/domains/example.test/webmasters/maria/remove/" not in page
    assert client.post("/domains/example.test/webmasters/evert/remove/").status_code == 302
    assert not equal.domains.exists()
    assert client.post("/domains/example.test/webmasters/maria/remove/").status_code == 404
    assert more.domains.count() == 2


def test_a_webmaster_does_not_act_on_staff_of_the_domain(client, webmaster, domain, support):
    DomainAdmin.objects.create(person=support, domain=domain)
    answer = signed_in(client, webmaster).post("/domains/example.test/webmasters/sam/remove/")
    assert answer.status_code == 404


def test_an_operator_makes_a_domain_and_its_limits(olga, server):
    fields = {
        "name": "Bücher.example",
        "server": server.pk,
        "default_quota_bytes": "2 GB",
        "max_quota_bytes": "",
        "max_mailboxes": "40",
        "language": "de",
    }
    assert olga.post("/domains/new/", fields).status_code == 302
    domain = Domain.objects.get(name="xn--bcher-kva.example")
    assert (domain.default_quota_bytes, domain.max_quota_bytes, domain.max_mailboxes) == (2 * 1024**3, 0, 40)
    assert "is here already" in text(olga.post("/domains/new/", fields))
    fields |= {"max_quota_bytes": "1,5 TB", "max_mailboxes": "-1"}
    assert "greater than or equal to 0" in text(olga.post(f"/domains/{domain.name}/limits/", fields))
    olga.post(f"/domains/{domain.name}/limits/", fields | {"max_mailboxes": "50"})
    event = Event.objects.get(verb="domain.changed")
    assert (event.before["max_mailboxes"], event.after["max_mailboxes"]) == (40, 50)


@pytest.mark.parametrize("name", ["nodot", "a b.example", "me@example.org", "127.0.0.1", "-.example", "a..b"])
def test_what_is_no_domain_is_told(olga, server, name):
    page = text(olga.post("/domains/new/", {"name": name, "server": server.pk}))
    assert "is not the name of a domain" in page or "leave out what is before" in page


def test_the_server_of_a_domain_with_mailboxes_stays(olga, mailbox):
    assert "It stays" in text(olga.get("/domains/example.test/limits/"))


@pytest.mark.sql
def test_two_operators_cannot_remove_one_another_at_the_same_time(transactional_db):
    pair = [Person(username=name, is_operator=True) for name in ("one", "two")]
    for person in pair:
        person.set_password(PASSWORD)
        person.save()
    both = threading.Barrier(2)

    def remove(target, by):
        both.wait()
        try:
            people.remove(target, by=by)
        except Exception:  # noqa: BLE001, S110 - SQLite may refuse to wait for a lock
            pass
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=each) for each in (pair, pair[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Person.objects.filter(is_operator=True).exists()


def test_of_two_invitations_of_one_name_at_the_same_moment_the_later_is_told(client, operator, monkeypatch):
    def taken(*_names):
        raise NameTaken

    monkeypatch.setattr("accounts.people.require_free", taken)
    client.force_login(operator)
    step_up(client)
    person = {"username": "nina", "name": "Nina", "email": "nina@home.test", "role": "support"}
    page = client.post("/people/invite/", person, follow=True).content.decode()
    assert "Somebody has this user name already" in page
