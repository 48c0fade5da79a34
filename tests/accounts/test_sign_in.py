import pytest
from django_otp.oath import totp

from accounts.models import Mailbox, Person
from audit.models import Event
from mailservers.models import Server
from tests.conftest import PASSWORD
from tests.factors import add_app

URL = "/sign-in/"


def sign_in(client, name, password=PASSWORD, **more):
    return client.post(URL, {"username": name, "password": password, **more})


@pytest.fixture
def willem(webmaster) -> Person:
    webmaster.set_password(PASSWORD)
    webmaster.save()
    return webmaster


def test_a_webmaster_signs_in_with_the_user_name(client, willem):
    device = add_app(willem)
    assert sign_in(client, "Willem ").headers["Location"] == "/"
    client.post("/sign-in/code/", {"code": f"{totp(device.bin_key):06}"})
    assert client.get("/domains/").status_code == 200


@pytest.mark.parametrize("name", ["anna@example.test", "ANNA@Example.Test", "example0001"])
def test_a_mailbox_user_signs_in_with_address_or_server_login(client, mailbox, name):
    sign_in(client, name)
    assert client.get("/").headers["Location"] == "/mailboxes/anna@example.test/"


def test_the_first_sign_in_of_a_mailbox_makes_its_person(client, mailbox):
    Mailbox.objects.update(owner=None)
    sign_in(client, "example0001")
    assert Mailbox.objects.get(pk=mailbox.pk).owner.username == "anna@example.test (example0001)"


@pytest.mark.parametrize("name", ["anna@example.test", "example0001", "nobody"])
def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(client, mailbox, name):
    answer = sign_in(client, name, "wrong")
    assert "do not belong together" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_what_was_typed_as_name_is_kept_and_the_password_is_not(client, mailbox):
    page = sign_in(client, "anna@example.test", "wrong-but-secret").content.decode()
    assert "anna@example.test" in page
    assert "wrong-but-secret" not in page


def test_a_disabled_mailbox_does_not_open(client, mailbox):
    Mailbox.objects.update(enabled=False)
    sign_in(client, "example0001")
    assert "_auth_user_id" not in client.session


def test_one_login_on_two_servers_is_told_apart_by_the_password(client, mailbox, stranger):
    Mailbox.objects.filter(owner=stranger).update(login="example0001", server=another_server())
    sign_in(client, "example0001")
    assert client.session["_auth_user_id"] == str(mailbox.owner.pk)


def test_a_mailbox_password_does_not_open_its_owners_domains(client, mailbox, willem):
    Mailbox.objects.update(owner=willem)
    willem.set_password("another one altogether")
    willem.save()
    sign_in(client, "anna@example.test")
    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize(
    ("wanted", "reached"), [("/domains/", "/domains/"), ("https://evil.test/", "/"), ("//evil.test", "/")]
)
def test_it_leads_to_the_wanted_page_of_this_portal_only(client, willem, wanted, reached):
    assert sign_in(client, "willem", next=wanted).headers["Location"] == reached


def test_who_was_signed_out_while_typing_is_told_and_comes_back_to_the_form(client, mailbox):
    page = "/mailboxes/anna@example.test/auto-reply/?from=list"
    answer = client.post("/changes/1/undo/", headers={"referer": f"http://testserver{page}"}, follow=True)
    assert "nothing was saved" in answer.content.decode()
    there = client.post(
        answer.request["PATH_INFO"] + "?" + answer.request["QUERY_STRING"],
        {"username": "example0001", "password": PASSWORD, "next": answer.context["next"]},
    )
    assert there.headers["Location"] == page


def test_signing_in_is_in_the_audit_chain(client, mailbox):
    sign_in(client, "example0001")
    assert Event.objects.get().verb == "person.signed_in"


def test_with_a_second_factor_nothing_opens_before_the_code(client, willem):
    add_app(willem)
    sign_in(client, "willem")
    assert client.get("/domains/").headers["Location"].startswith("/sign-in/code/")


def test_the_right_code_opens_and_changes_the_sessions_key(client, willem):
    device = add_app(willem)
    sign_in(client, "willem")
    before = client.session.session_key
    client.post("/sign-in/code/", {"code": f"{totp(device.bin_key):06}"})
    assert client.get("/domains/").status_code == 200
    assert client.session.session_key != before


def test_a_wrong_code_does_not_open(client, willem):
    device = add_app(willem)
    sign_in(client, "willem")
    wrong = f"{(totp(device.bin_key) + 1) % 1_000_000:06}"
    assert "not right" in client.post("/sign-in/code/", {"code": wrong}).content.decode()
    assert client.get("/domains/").status_code == 302


def test_signing_out_ends_the_session(client, willem):
    sign_in(client, "willem")
    client.post("/sign-out/")
    assert client.get("/domains/").headers["Location"] == "/sign-in/?next=/domains/"


def another_server():

    return Server.objects.create(name="vonmuenchhausen", kind="memory")
