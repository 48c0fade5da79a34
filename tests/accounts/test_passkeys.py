import json

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from django_otp_webauthn.models import WebAuthnCredential

from accounts import passkeys, second_factors
from accounts.freezing import say_not_me
from accounts.models import Notice, Person, PersonSession
from accounts.personal import erase_person, known_about
from accounts.tasks import forget_sessions
from audit.models import Event
from portal.environment import passkey_origin
from tests.accounts.authenticator import PRESENT, Authenticator
from tests.conftest import PASSWORD
from tests.factors import add_app

ORIGIN = "http://localhost:8000"
ADD, ACCOUNT, CODE = "/account/passkey/", "/account/", "/sign-in/code/"
BEGIN_ADDING, BEGIN, BEGIN_ALONE = f"{ADD}begin/", f"{CODE}passkey/", "/sign-in/passkey/begin/"
ALONE = "/sign-in/passkey/"
VERBS = ("person.passkey_used", "person.passkey_refused", "person.passkey_copied")


@pytest.fixture(autouse=True)
def _on_localhost(settings):
    settings.PASSKEY_ORIGIN = ORIGIN
    settings.OTP_WEBAUTHN_RP_ID = "localhost"
    settings.OTP_WEBAUTHN_ALLOWED_ORIGINS = [ORIGIN]


def visitor() -> Client:
    return Client(headers={"host": "localhost:8000"})


@pytest.fixture
def willem(webmaster):
    webmaster.set_password(PASSWORD)
    webmaster.save()
    return webmaster


@pytest.fixture
def key() -> Authenticator:
    return Authenticator(ORIGIN)


def sign_in(client, name="willem"):
    return client.post("/sign-in/", {"username": name, "password": PASSWORD})


def add(client, key, name="blue key"):
    options = client.post(BEGIN_ADDING).json()
    return client.post(ADD, {"name": name, "passkey": key.add(options)})


def step_up(client, key):
    answer = key.use(client.post(BEGIN).json())
    client.post("/sign-in/again/", {"next": ADD, "step_up_proof": "", "step_up_passkey": answer})


def use(client, key):
    return client.post(CODE, {"passkey": key.use(client.post(BEGIN).json())})


@pytest.fixture
def enrolled(willem, key):
    """Willem, who has set up the key at his first sign-in."""
    client = visitor()
    sign_in(client)
    add(client, key)
    return willem


def owing(name="willem") -> Client:
    client = visitor()
    sign_in(client, name)
    return client


def verbs():
    return list(Event.objects.filter(verb__in=VERBS).order_by("pk").values_list("verb", flat=True))


def test_the_first_sign_in_of_a_webmaster_can_end_with_one(willem, key):
    client = visitor()
    sign_in(client)
    assert ADD in client.get("/account/authenticator/").content.decode()
    page = add(client, key).content.decode()
    assert "The passkey is added" in page
    assert "Keep these recovery codes" in page
    assert client.get("/domains/").status_code == 200
    added = Event.objects.get(verb="person.second_factor_added")
    assert added.after == {"name": "blue key"}


@pytest.mark.sql
def test_it_is_asked_for_and_lets_in(enrolled, key):
    client = owing()
    assert client.get("/domains/").headers["Location"].startswith(CODE)
    assert "Use a passkey" in client.get(CODE).content.decode()
    before = client.session.session_key
    assert use(client, key).status_code == 302
    assert client.session.session_key != before
    assert client.get("/domains/").status_code == 200
    assert verbs() == ["person.passkey_used"]
    assert "last used" in client.get(ACCOUNT).content.decode()


def test_an_answer_is_good_once(enrolled, key):
    client = owing()
    answer = key.use(client.post(BEGIN).json())
    client.post(CODE, {"passkey": answer})
    other = owing()
    other.post(BEGIN)
    assert "not one of yours" in other.post(CODE, {"passkey": answer}).content.decode()
    third = owing()
    assert "Try again" in third.post(CODE, {"passkey": answer}).content.decode()
    assert third.get("/domains/").status_code == 302


def test_a_page_elsewhere_that_passes_it_on_gets_nothing(enrolled, key):
    key.origin = "https://portal.evil.test"
    client = owing()
    assert "not one of yours" in use(client, key).content.decode()
    assert client.get("/domains/").status_code == 302
    assert verbs() == ["person.passkey_refused"]


def test_a_counter_that_went_back_is_refused_and_told(enrolled, key):
    use(owing(), key)
    key.counter = 1
    client = owing()
    page = use(client, key).content.decode()
    assert "“blue key” was refused: its counter went backwards" in page
    assert client.get("/domains/").status_code == 302
    assert verbs() == ["person.passkey_used", "person.passkey_copied"]


def test_a_forged_answer_with_an_old_counter_raises_no_alarm(enrolled, key):
    use(owing(), key)
    forger = Authenticator(ORIGIN)
    forger._id = key._id
    assert "not one of yours" in use(owing(), forger).content.decode()
    assert verbs()[-1] == "person.passkey_refused"


def test_anothers_passkey_is_not_ones_own(enrolled, key, support):
    support.set_password(PASSWORD)
    support.save()
    add_app(support)
    client = owing("sam")
    assert use(client, key).status_code == 200
    assert client.get("/people/").headers["Location"].startswith(CODE)
    assert Event.objects.get(verb="person.passkey_refused").subject_id == support.pk


@pytest.mark.parametrize(
    "answer",
    ["{", "[]", "null", '"x"', "{}", '{"id": 1, "rawId": 2, "response": []}', "x" * 30_000, '{"id": "a\0"}'],
    ids=range(8),
)
def test_anything_at_all_instead_of_an_answer(enrolled, answer):
    client = owing()
    client.post(BEGIN)
    assert client.post(CODE, {"passkey": answer}).status_code == 200
    assert client.get("/domains/").status_code == 302


def test_tries_are_counted_as_those_of_codes(enrolled):
    client = owing()
    for _each in range(6):
        client.post(BEGIN)
        page = client.post(CODE, {"passkey": "{}"})
    assert "Too many tries" in page.content.decode()


def test_it_steps_up_with_what_was_typed(enrolled, key):
    client = owing()
    use(client, key)
    page = client.post("/account/remove-factor/", {"factor": "x"}).content.decode()
    assert "Use a passkey" in page
    answer = key.use(client.post(BEGIN).json())
    fields = {"factor": "x", "step_up_proof": "", "step_up_passkey": answer}
    # There is no such factor: the view was reached.
    assert client.post("/account/remove-factor/", fields).status_code == 404
    again = client.post("/account/recovery-codes/")
    assert "Keep these recovery codes" in again.content.decode()


def test_a_wrong_one_does_not_step_up(enrolled, key):
    client = owing()
    use(client, key)
    client.post(BEGIN)
    fields = {"step_up_proof": PASSWORD, "step_up_passkey": "{}"}
    page = client.post("/account/recovery-codes/", fields).content.decode()
    assert "not one of yours" in page
    assert "Is it still you?" in page


def test_several_are_told_apart_and_the_last_of_a_webmaster_stays(enrolled, key):
    client = owing()
    use(client, key)
    step_up(client, key)
    second = Authenticator(ORIGIN)
    add(client, second, "laptop")
    page = client.get(ACCOUNT).content.decode()
    assert "blue key" in page
    assert "laptop" in page
    blue, laptop = passkeys.passkeys_of(enrolled)
    client.post("/account/remove-factor/", {"factor": blue.persistent_id})
    assert passkeys.passkeys_of(enrolled) == [laptop]
    page = client.post("/account/remove-factor/", {"factor": laptop.persistent_id}, follow=True)
    assert "Add another one first." in page.content.decode()
    assert "not one of yours" in use(owing(), key).content.decode()


def test_the_same_key_is_not_added_twice(enrolled, key):
    client = owing()
    use(client, key)
    step_up(client, key)
    assert "known already" in add(client, key).content.decode()


def test_adding_one_later_wants_a_step_up(enrolled, key):
    client = owing()
    use(client, key)
    assert "Is it still you?" in client.get(ADD).content.decode()
    assert client.post(BEGIN_ADDING).json() == {"problem": "Too much time went by. Load this page again."}


def test_who_owes_the_second_step_adds_none(enrolled):
    client = owing()
    assert client.get(ADD).headers["Location"].startswith(CODE)
    assert client.post(BEGIN_ADDING).status_code == 409


def test_an_operator_resets_it(enrolled, operator):
    second_factors.remove_all(enrolled, by=operator)
    assert not WebAuthnCredential.objects.exists()
    assert Person.objects.with_second_factor().get(pk=enrolled.pk).has_second_factor is False


@pytest.mark.sql
def test_lists_of_people_know_of_it(enrolled):
    assert Person.objects.with_second_factor().get(pk=enrolled.pk).has_second_factor is True


def test_what_the_portal_knows_names_it_and_erasing_forgets_it(enrolled, operator):
    lines = [json.loads(line) for line in known_about(enrolled)]
    (told,) = [line for line in lines if line["kind"] == "second factor"]
    assert told["name"] == "blue key"
    assert "public_key" not in told
    enrolled.domains.clear()
    erase_person(enrolled, "asked for it", by=operator)
    assert not WebAuthnCredential.objects.exists()


# --- with nothing else


def sign_in_alone(client, key, **more):
    return client.post(ALONE, {"passkey": key.use(client.post(BEGIN_ALONE).json()), **more})


def test_it_signs_in_alone_and_leads_on(enrolled, key):
    client = visitor()
    assert "Sign in with a passkey" in client.get("/sign-in/").content.decode()
    answer = sign_in_alone(client, key, next="/domains/example.test/")
    assert answer.headers["Location"] == "/domains/example.test/"
    assert client.get("/domains/").status_code == 200


def test_what_was_begun_by_nobody_is_soon_forgotten_and_signing_in_lasts(enrolled, key):
    client = visitor()
    answer = key.use(client.post(BEGIN_ALONE).json())
    assert client.session.get_expiry_age() == passkeys.STATE_SECONDS
    client.post(ALONE, {"passkey": answer})
    assert client.session.get_expiry_age() == settings.SESSION_COOKIE_AGE
    PersonSession.objects.update(expire_date=timezone.now())
    forget_sessions()
    assert not PersonSession.objects.exists()


def test_it_leads_to_no_other_site(enrolled, key):
    assert sign_in_alone(visitor(), key, next="https://evil.test/").headers["Location"] == "/"


def test_alone_it_needs_the_finger_or_the_pin(enrolled, key):
    key.flags = PRESENT
    client = visitor()
    assert "not one of yours" in sign_in_alone(client, key).content.decode()
    assert client.get("/domains/").status_code == 302


def test_who_is_disabled_does_not_get_in(enrolled, key):
    enrolled.is_active = False
    enrolled.save()
    assert sign_in_alone(visitor(), key).status_code == 200


def test_whose_mailbox_is_switched_off_does_not_get_in(mailbox, key):
    client = visitor()
    sign_in(client, mailbox.address)
    client.post("/sign-in/again/", {"next": ADD, "step_up_proof": PASSWORD})
    add(client, key)
    assert sign_in_alone(visitor(), key).status_code == 302
    mailbox.enabled = False
    mailbox.save()
    assert "switched off for you" in sign_in_alone(visitor(), key).content.decode()


def test_answers_to_one_question_do_not_fit_another(enrolled, key):
    """Without the PIN it is a second step, and never a sign-in."""
    client = owing()
    answer = key.use(client.post(BEGIN).json())
    other = visitor()
    other.post(BEGIN_ALONE)
    assert other.post(ALONE, {"passkey": answer}).status_code == 200


# --- where they can be used


def test_at_another_address_the_pages_say_why(enrolled):
    client = Client()
    sign_in(client)
    assert f"Passkeys work at {ORIGIN} only." in client.get(CODE).content.decode()
    assert client.post(BEGIN).json() == {"problem": f"Passkeys work at {ORIGIN} only."}


def test_from_there_a_link_leads_to_where_they_can(mailbox):
    client = Client()
    sign_in(client, mailbox.address)
    page = client.post("/sign-in/again/", {"next": ADD, "step_up_proof": PASSWORD}, follow=True)
    assert f'href="{ORIGIN}{ADD}"' in page.content.decode()


@pytest.mark.parametrize(
    ("url", "on_loopback", "origin"),
    [
        ("https://portal.example.org", False, "https://portal.example.org"),
        ("https://Portal.Example.org:443/", False, "https://portal.example.org"),
        ("https://portal.example.org:8443", False, "https://portal.example.org:8443"),
        ("http://portal.example.org", False, ""),
        ("https://192.0.2.7", False, ""),
        ("http://127.0.0.1:8000", False, ""),
        ("http://127.0.0.1:8000", True, "http://localhost:8000"),
        ("http://localhost:8000", True, "http://localhost:8000"),
        ("", False, ""),
    ],
)
def test_the_origin_follows_the_portals_address(url, on_loopback, origin):
    assert passkey_origin(url, on_loopback=on_loopback) == origin


# --- what its owner is told


@pytest.mark.sql
def test_who_says_not_me_is_rid_of_the_thiefs_key(enrolled, key, mailbox):
    enrolled.email = "willem@hoster.test"
    enrolled.save()
    client = owing()
    use(client, key)
    step_up(client, key)
    thief = Authenticator(ORIGIN)
    add(client, thief, "thief's")
    notice = Notice.objects.get(kind="second-factor", person=enrolled, detail="thief's")
    assert say_not_me(notice)
    assert [each.name for each in passkeys.passkeys_of(enrolled)] == ["blue key"]
    assert sign_in_alone(visitor(), thief).status_code == 200
    assert client.get("/domains/").status_code == 302


def test_of_a_copied_one_its_owner_is_mailed(enrolled, key):
    enrolled.email = "willem@hoster.test"
    enrolled.save()
    use(owing(), key)
    key.counter = 1
    use(owing(), key)
    notice = Notice.objects.get(kind="passkey-copied")
    assert (notice.mail_to, notice.detail) == ("willem@hoster.test", "blue key")
