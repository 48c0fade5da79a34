"""The settings that programs are given, used on a real Dovecot as the programs use them."""

import imaplib
import poplib
import smtplib
import ssl
from collections.abc import Iterator
from email.message import EmailMessage

import pytest
from django.core.cache import cache
from sqlalchemy import create_engine, text

from clientsetup.checking import look_at_server
from clientsetup.instructions import instructions_of
from fleet.certificates import CertificateAuthority
from fleet.dovecot import Dovecot
from fleet.sink import Sink
from fleet.users import private_directory
from tests.clientsetup.programs import Told, outlooks_question, read_as_outlook, read_as_thunderbird

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Dovecot, Sink]]:
    with private_directory("set-up") as directory:
        sink = Sink(directory / "sink")
        dovecot = Dovecot("setup", directory / "d", CertificateAuthority(directory / "ca"), sink.port)
        engine = create_engine(dovecot.sql_url)
        with engine.begin() as connection:
            connection.execute(
                text("INSERT INTO mailbox (login, address, password, quota_bytes) VALUES (:l, :a, :p, 0)"),
                {"l": "example0001", "a": "anna@example.test", "p": f"{{PLAIN}}{PASSWORD}"},
            )
        engine.dispose()
        sink.start()
        dovecot.start()
        yield dovecot, sink
        dovecot.stop()
        sink.stop()


@pytest.fixture
def real(running, mailbox, server):
    """The mailbox's server is the one that runs."""
    dovecot, _sink = running
    server.imap_host = server.pop3_host = server.smtp_host = "localhost"
    server.imap_port, server.pop3_port = dovecot.ports["imaps"], dovecot.ports["pop3s"]
    server.smtp_port, server.takes_addresses = dovecot.ports["submissions"], True
    server.endpoints = dovecot.endpoints()
    server.save()
    cache.clear()
    return server


def use(told: list[Told], tls: ssl.SSLContext) -> None:
    """Sign in with each, and send a mail."""
    by_kind = {one.protocol: one for one in told}
    imap = by_kind["imap"]
    with imaplib.IMAP4_SSL(imap.host, imap.port, ssl_context=tls) as session:
        assert session.login(imap.user_name, PASSWORD)[0] == "OK"
    pop3 = by_kind["pop3"]
    fetching = poplib.POP3_SSL(pop3.host, pop3.port, context=tls)
    fetching.user(pop3.user_name)
    assert fetching.pass_(PASSWORD).startswith(b"+OK")
    fetching.quit()
    smtp = by_kind["smtp"]
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "anna@example.test", "you@elsewhere.test", "Set up"
    mail.set_content("It works.")
    with smtplib.SMTP_SSL(smtp.host, smtp.port, context=tls) as sending:
        with pytest.raises(smtplib.SMTPException):
            sending.sendmail("anna@example.test", "you@elsewhere.test", mail.as_bytes())
        sending.login(smtp.user_name, PASSWORD)
        sending.send_message(mail)


def test_thunderbirds_and_outlooks_settings_sign_in_and_send(client, running, real):
    dovecot, sink = running
    tls = ssl.create_default_context(cafile=str(dovecot.ca_file))
    answer = client.get("/mail/config-v1.1.xml", {"emailaddress": "anna@example.test"})
    use(read_as_thunderbird(answer.content, "anna@example.test"), tls)
    answer = client.post(
        "/autodiscover/autodiscover.xml", outlooks_question("anna@example.test"), content_type="text/xml"
    )
    use(read_as_outlook(answer.content), tls)
    assert len(sink.wait_for(2, to="you@elsewhere.test")) == 2


def test_the_cards_user_name_signs_in_too(client, running, real, mailbox):
    dovecot, _sink = running
    told = instructions_of(real)
    tls = ssl.create_default_context(cafile=str(dovecot.ca_file))
    points = [*told.incoming, told.smtp]
    use([Told(point.protocol, point.host, point.port, "SSL", mailbox.login) for point in points], tls)


@pytest.mark.parametrize("protocol", ["imap", "pop3", "smtp"])
def test_the_portal_finds_each_of_its_servers_ports_answering(real, protocol):
    look = look_at_server(real, getattr(instructions_of(real), protocol))
    assert look.is_good, look.sentence


def test_starttls_is_tried_as_well(running, real):
    dovecot, _sink = running
    real.imap_security, real.imap_port = "starttls", dovecot.ports["imap"]
    real.pop3_security, real.pop3_port = "starttls", dovecot.ports["pop3"]
    told = instructions_of(real)
    assert look_at_server(real, told.imap).is_good
    assert look_at_server(real, told.pop3).is_good


def test_a_certificate_that_is_not_valid_and_a_stranger_at_the_port_are_told_apart(running, real):
    dovecot, _sink = running
    real.endpoints = {}
    assert "certificate is not valid" in look_at_server(real, instructions_of(real).imap).sentence
    real.endpoints, real.pop3_port = dovecot.endpoints(), dovecot.ports["imaps"]
    assert "not the mail server" in look_at_server(real, instructions_of(real).pop3).sentence
