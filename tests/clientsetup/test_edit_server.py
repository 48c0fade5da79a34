import pytest

from audit.models import Event
from mailservers.models import Server
from tests.conftest import step_up

URL = "/servers/maximusconfessor/set-up/"
GOOD = {
    "imap_host": "Mail.Example.org",
    "imap_port": "993",
    "imap_security": "tls",
    "pop3_host": "",
    "pop3_port": "995",
    "pop3_security": "tls",
    "smtp_host": "mail.example.org",
    "smtp_port": "587",
    "smtp_security": "starttls",
    "takes_addresses": "on",
    "webmail_url": "https://mail.example.org/webmail",
    "largest": "25 MB",
}


@pytest.fixture
def operating(client, operator, server):
    client.force_login(operator)
    step_up(client)
    return client


def test_what_an_operator_fills_in_is_on_the_card(operating, mailbox):
    assert operating.post(URL, GOOD).status_code == 302
    text = operating.get("/mailboxes/anna@example.test/set-up/").content.decode()
    for told in ("mail.example.org", "587", "STARTTLS", "25\xa0MB", "https://mail.example.org/webmail"):
        assert told in text
    assert "POP3 instead" not in text
    event = Event.objects.get(verb="server.set_up_told")
    assert (event.before["smtp_port"], event.after["smtp_port"]) == (465, 587)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"imap_host": "no host"}, "no name of a server"),
        ({"imap_host": "../etc"}, "no name of a server"),
        ({"imap_host": "https://mail.example.org"}, "no name of a server"),
        ({"smtp_port": "0"}, "from 1 to 65535"),
        ({"smtp_port": "70000"}, "from 1 to 65535"),
        ({"smtp_security": "none"}, "Select a valid choice"),
        ({"largest": "huge"}, "Please mend this first"),
        ({"webmail_url": "javascript:alert(1)"}, "Enter a valid URL"),
    ],
)
def test_what_can_not_be_is_refused_and_stays_in_the_form(operating, wrong, sentence):
    text = operating.post(URL, GOOD | wrong).content.decode()
    assert sentence in text
    assert 'value="25 MB"' in text or "largest" in wrong
    assert Server.objects.get().smtp_port == 465


def test_only_operators_may(client, support, webmaster, server):
    for person in (support, webmaster):
        client.force_login(person)
        assert client.post(URL, GOOD).status_code == 404
