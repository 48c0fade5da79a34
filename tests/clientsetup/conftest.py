import pytest

from mailservers.models import Server


@pytest.fixture
def server(db) -> Server:
    """As the hoster's manual describes it: TLS from the start, and the login, not the address."""
    host = "maximusconfessor.all2all.test"
    return Server.objects.create(
        name="maximusconfessor",
        kind="memory",
        imap_host=host,
        pop3_host=host,
        smtp_host=host,
        webmail_url=f"https://{host}/webmail",
    )


@pytest.fixture
def lenient(server) -> Server:
    """It takes the address as user name as well."""
    server.takes_addresses = True
    server.save()
    return server
