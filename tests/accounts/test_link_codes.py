"""Codes of links are in no address that a server is asked for, and links already out go on working."""

import re

import pytest
from django.core import mail

from accounts import notices
from accounts.one_time_links import CHOOSE_PASSWORD, CONFIRM_ADDRESS, make_link
from clientsetup.services import make_link as make_setup_link
from tests.conftest import follow
from vacation.confirmation_mails import mail_confirmations
from vacation.forwarding import save_forwarding
from vacation.models import Forwarding


@pytest.fixture
def links(mailbox, owner, webmaster):
    """One of each kind: its address, and what its page says once the code is there."""
    mailbox.recovery_address = "anna@home.test"
    mailbox.save()
    on = Forwarding(mailbox=mailbox, enabled=True)
    save_forwarding(on, ["away@outside.test"], seen_version=0, by=owner)
    mail.outbox.clear()
    mail_confirmations()
    [asked] = mail.outbox
    mail.outbox.clear()
    notices.tell(mailbox, "password", by=owner)
    notices.mail_notices()
    told = next(each for each in mail.outbox if each.to == ["anna@home.test"])
    link = re.compile(r"http://testserver/\S+#\S+")
    return {
        make_link(CHOOSE_PASSWORD, mailbox, by=webmaster): "For the mailbox",
        make_link(CONFIRM_ADDRESS, mailbox, by=owner): "Is this your address?",
        make_setup_link(mailbox, by=webmaster): "It works once; then you have half an hour.",
        link.search(asked.body)[0]: "May this mail come to you?",
        link.search(told.body)[0]: "Was this not you?",
    }


def text(answer) -> str:
    return answer.content.decode()


def test_the_code_stands_behind_the_sign_that_browsers_send_nobody(links):
    for link in links:
        assert re.fullmatch(r"http://testserver/[a-z-]+/#[\w-]{43}", link)


def test_what_a_browser_asks_for_first_is_the_page_that_takes_the_code(client, links):
    for link in links:
        page = client.get(link.partition("#")[0])
        assert page.status_code == 200
        assert "data-link-code" in text(page)


def test_the_code_shows_what_it_is_for_as_often_as_programs_look(client, links):
    for link, told in links.items():
        for _each in range(2):
            assert told in text(follow(client, link))


def test_who_has_no_scripts_pastes_the_whole_link(client, links):
    for link, told in links.items():
        path = link.removeprefix("http://testserver").partition("#")[0]
        assert told in text(client.post(path, {"code": f"  {link}\n"}))


def test_links_made_before_go_on_working(client, links):
    for link, told in links.items():
        path, _, code = link.removeprefix("http://testserver").partition("#")
        older = f"/forwardings/{code}/" if path == "/forwardings/" else f"{path}?code={code}"
        assert told in text(client.get(older))


def test_a_wrong_code_is_told_as_one_that_is_over(client, links):
    for link in links:
        assert follow(client, f"{link[:-3]}abc").status_code == 404
