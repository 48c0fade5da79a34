import pytest
from django.core.cache import cache

from mailservers.models import Server

URL = "/mailboxes/anna@example.test/set-up/check/"
HOST = "maximusconfessor.all2all.test"
RIGHT = {"protocol": "imap", "server": HOST, "port": "993", "security": "tls", "user_name": "example0001"}


@pytest.fixture
def told(client, mailbox):
    """What the page says of the settings typed."""
    client.force_login(mailbox.owner)

    def told(**typed):
        return client.post(URL, RIGHT | typed).content.decode().replace("&quot;", '"').replace("&#x27;", "'")

    return told


def test_right_settings_are_said_to_be_right(told):
    assert "Everything is right" in told(server=HOST.upper(), user_name=" EXAMPLE0001 ")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"user_name": "jan"}, "User name jan: use example0001."),
        (
            {"user_name": "anna@example.test"},
            "The address anna@example.test is not the user name on this server",
        ),
        ({"server": "mail.example.test"}, f"Server mail.example.test: use {HOST}."),
        ({"server": "anna@example.test"}, "anna@example.test is an address, not a server"),
        ({"port": "143"}, "Port 143 is the one without encryption: use 993."),
        ({"protocol": "smtp", "port": "25"}, "Port 25 is for mail between servers: use 465."),
        ({"port": "995"}, "Port 995: use 993."),
        ({"security": "starttls"}, "Security STARTTLS: choose SSL, TLS, or SSL/TLS."),
        ({"security": "none"}, "Without security others could read along"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(told, typed, sentence):
    text = told(**typed)
    assert sentence in text
    assert "Something is to be changed" in text


def test_where_the_server_takes_the_address_it_is_right(told, lenient):
    assert "Everything is right" in told(user_name="Anna@example.test")


@pytest.mark.parametrize(
    "typed",
    [{"port": "0"}, {"port": "65536"}, {"port": "imap"}, {"protocol": "nntp"}, {"security": "x"},
     {"server": ""}, {"server": "x" * 10_000}, {"user_name": "x" * 10_000}, {"user_name": "\0"}],
)  # fmt: skip
def test_what_can_be_no_setting_is_a_clear_error_and_stays_in_the_form(told, typed):
    text = told(**typed)
    assert "Please mend this first" in text
    assert HOST in text or "server" in typed


def test_markup_is_text(told):
    assert "<script>alert" not in told(user_name="<script>alert(1)</script>")


def test_the_portal_connects_to_the_servers_own_address_and_never_to_one_that_is_typed(
    told, server, monkeypatch
):
    went_to = []

    def create_connection(address, timeout):
        went_to.append(address)
        raise OSError

    monkeypatch.setattr("clientsetup.checking.socket.create_connection", create_connection)
    text = told(look="1", server="internal.example", port="22")
    assert went_to == [(HOST, 993)]
    assert f"The server does not answer at {HOST}, port 993." in text
    told(look="1")
    assert len(went_to) == 1, "asked again before the time"
    assert Server.objects.get().imap_host == HOST


@pytest.fixture(autouse=True)
def _forget_looks():
    cache.clear()
