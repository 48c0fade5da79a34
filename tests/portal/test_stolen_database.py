"""Who has a copy of the database, after all that opens something was made, gets in nowhere with it."""

import re

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_otp.oath import totp

from accounts import notices, password_requests, second_factors
from accounts.app_passwords import make_app_password
from accounts.models import Mailbox, Person
from accounts.one_time_links import CHOOSE_PASSWORD, CONFIRM_ADDRESS, make_link
from accounts.services import change_password
from clientsetup.services import make_link as make_setup_link
from tests.conftest import PASSWORD, follow
from tests.factors import key_shown
from vacation.confirmation_mails import mail_confirmations
from vacation.forwarding import save_forwarding
from vacation.models import Forwarding

pytestmark = pytest.mark.sql
NAME = "anna@example.test"
PAGES = ("/choose-password/", "/confirm-address/", "/not-me/", "/set-up/", "/forwardings/")
LINK = re.compile(r"http://testserver(/\S+#([\w-]+))")


@pytest.fixture
def doors(mailbox, owner, webmaster):
    """All that opens something, as only its owner has it: kinds, and what each is."""
    change_password(mailbox, PASSWORD, by=None)
    mailbox.recovery_address = "anna@home.test"
    mailbox.save()
    client = Client()
    client.post("/sign-in/", {"username": NAME, "password": PASSWORD})
    client.post("/sign-in/again/", {"next": "/account/", "step_up_proof": PASSWORD})
    key = key_shown(client)
    page = client.post("/account/authenticator/", {"code": f"{totp(key):06}"}).content.decode()
    codes = re.findall(r"<li>([a-z2-7]{4}(?:-[a-z2-7]{4}){3})</li>", page)
    # Somebody halfway, and a key that is being shown.
    halfway = Client()
    halfway.post("/sign-in/", {"username": NAME, "password": PASSWORD})
    shown = key_shown(client)
    _row, app_password = make_app_password(mailbox, "phone", by=owner)
    on = Forwarding(mailbox=mailbox, enabled=True)
    save_forwarding(on, ["away@outside.test"], seen_version=0, by=owner)
    notices.tell(mailbox, "password", by=owner)
    mail.outbox.clear()
    mail_confirmations()
    notices.mail_notices()
    password_requests.ask(NAME)
    password_requests.look_at_requests()
    password_requests.mail_links()
    links = [found[2] for each in mail.outbox for found in LINK.finditer(str(each.body))]
    links += [
        make_link(CHOOSE_PASSWORD, webmaster, by=owner).partition("#")[2],
        make_link(CHOOSE_PASSWORD, mailbox, by=webmaster).partition("#")[2],
        make_link(CONFIRM_ADDRESS, mailbox, by=owner).partition("#")[2],
        make_setup_link(mailbox, by=webmaster).partition("#")[2],
    ]
    cookie = settings.SESSION_COOKIE_NAME
    return {
        "password": [PASSWORD, app_password],
        "session": [each.cookies[cookie].value for each in (client, halfway)],
        "browser": [each.value for name, each in client.cookies.items() if "known_device" in name],
        "recovery code": [form for code in codes for form in (code, code.replace("-", ""))],
        "key": [form for each in (key, shown) for form in _forms_of(each)],
        "link": links,
    }


def _forms_of(key: bytes) -> list[str]:
    return [key.hex(), second_factors.key_in_words(key), second_factors.key_in_words(key).replace(" ", "")]


def dump() -> list[str]:
    """Every value of every table as text, and every piece of it that could be a value."""
    found: set[str] = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - the tables' own names
            for row in cursor.fetchall():
                for value in row:
                    raw = bytes(value) if isinstance(value, bytes | memoryview) else None
                    found.add(raw.decode("latin-1") if raw is not None else str(value))
    return sorted(found)


def test_nothing_that_opens_anything_stands_in_it(doors):
    kept = "\n".join(dump())
    assert all(doors.values())
    assert len(doors["link"]) >= 6
    assert {kind for kind, values in doors.items() if any(value in kept for value in values)} == set()


def test_nothing_that_stands_in_it_opens_anything(doors, mailbox):
    pieces = {piece for value in dump() for piece in (value, *re.findall(r"[\w~=-]{16,}", value))}
    thief = Client()
    for piece in pieces:
        if re.fullmatch(r"[\x21-\x7e]{1,300}", piece):
            thief.cookies[settings.SESSION_COOKIE_NAME] = piece
            assert thief.get("/account/").status_code == 302
    thief.cookies.clear()
    for piece in pieces:
        if re.fullmatch(r"[\w-]{40,90}", piece):
            for page in PAGES:
                assert follow(thief, f"{page}#{piece}").status_code == 404
        assert second_factors.device_for_code(mailbox.owner, piece) is None


def test_the_dump_holds_the_tables_that_matter(doors):
    # Else the two above would find nothing by looking nowhere.
    kept = "\n".join(dump())
    for there in (NAME, "anna@home.test", "away@outside.test", "phone"):
        assert there in kept
    assert Mailbox.objects.exists()
    assert Person.objects.filter(last_login__lte=timezone.now()).exists()
