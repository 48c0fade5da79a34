"""What the portal's driver, the demo and other tests rely on in the private Dovecot."""

import base64
import imaplib
import poplib
import smtplib
import socket
import ssl
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from sqlalchemy.engine import make_url

from fleet.dovecot import Dovecot
from fleet.sink import Sink
from tests.fleet.conftest import PASSWORD

STRANGER = "stranger@elsewhere.test"


def mail(to: str, subject: str, size: int = 0) -> EmailMessage:
    message = EmailMessage()
    message["From"] = STRANGER
    message["To"] = to
    message["Subject"] = subject
    message["Message-ID"] = f"<{subject}@elsewhere.test>"
    message.set_content("Hello." + "x" * size)
    return message


def tls(server: Dovecot) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.ca_file))


def subjects(server: Dovecot, name: str) -> list[str]:
    with imaplib.IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=tls(server)) as imap:
        imap.login(name, PASSWORD)
        imap.select(readonly=True)
        _, found = imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        headers = [part[1].decode() for part in found if isinstance(part, tuple)]
        return [header.strip().removeprefix("Subject: ") for header in headers]


def doveadm_http(server: Dovecot, command: str, **parameters: object) -> list[list[Any]]:
    key = base64.b64encode(server.doveadm_key.encode()).decode()
    response = httpx.post(
        str(server.endpoints()["doveadm_url"]),
        json=[[command, parameters, "tag"]],
        headers={"Authorization": f"X-Dovecot-API {key}"},
        verify=tls(server),
    )
    response.raise_for_status()
    answer: list[list[Any]] = response.json()
    return answer


def sieve_sign_in(server: Dovecot, authcid: str, password: str, authzid: str) -> str:
    """The answer to a sign-in at ManageSieve after STARTTLS."""
    with socket.create_connection(("localhost", server.ports["sieve"]), timeout=5) as plain:
        lines = plain.makefile("rb")
        while not lines.readline().startswith(b"OK"):
            pass
        plain.sendall(b"STARTTLS\r\n")
        assert lines.readline().startswith(b"OK")
        with tls(server).wrap_socket(plain, server_hostname="localhost") as secure:
            lines = secure.makefile("rb")
            while not lines.readline().startswith(b"OK"):
                pass
            token = base64.b64encode(f"{authzid}\0{authcid}\0{password}".encode()).decode()
            secure.sendall(f'AUTHENTICATE "PLAIN" "{token}"\r\n'.encode())
            return lines.readline().decode().strip()


def test_login_and_address_lead_to_the_same_mailbox(dovecot):
    dovecot.deliver("anna@example.test", mail("anna@example.test", "plain"), STRANGER)
    dovecot.deliver("anna+shop@example.test", mail("anna+shop@example.test", "tagged"), STRANGER)
    assert subjects(dovecot, "example0001") == ["plain", "tagged"]
    assert subjects(dovecot, "anna@example.test") == ["plain", "tagged"]
    assert subjects(dovecot, "Anna@Example.TEST") == ["plain", "tagged"]


def test_pop3_takes_both_names(dovecot):
    for name in ("example0001", "anna@example.test"):
        pop3 = poplib.POP3_SSL("localhost", dovecot.ports["pop3s"], context=tls(dovecot))
        pop3.user(name)
        assert pop3.pass_(PASSWORD).startswith(b"+OK")
        pop3.quit()


def test_mail_to_an_unknown_address_is_refused(dovecot):
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refusal:
        dovecot.deliver("nobody@example.test", mail("nobody@example.test", "lost"), STRANGER)
    assert refusal.value.recipients["nobody@example.test"][0] == 550


def test_the_quota_from_sql_counts(dovecot):
    dovecot.deliver("berta@example.test", mail("berta@example.test", "fits", 100_000), STRANGER)
    with pytest.raises(smtplib.SMTPDataError, match="over quota"):
        dovecot.deliver("berta@example.test", mail("berta@example.test", "too-big", 150_000), STRANGER)


def test_a_quota_of_zero_means_no_limit(dovecot):
    dovecot.deliver("anna@example.test", mail("anna@example.test", "big", 2_000_000), STRANGER)
    assert dovecot.run_doveadm("quota", "get", "-u", "example0001").split("STORAGE")[1].split()[1] == "-"


@pytest.mark.parametrize("mailbox", ["example0001", "anna@example.test"])
def test_the_master_user_signs_in_to_sieve_for_a_mailbox(dovecot, mailbox):
    assert sieve_sign_in(dovecot, dovecot.master_user, dovecot.master_password, mailbox).startswith("OK")
    assert sieve_sign_in(dovecot, dovecot.master_user, "wrong", mailbox).startswith("NO")


def test_the_master_user_finds_no_unknown_mailbox(dovecot):
    answer = sieve_sign_in(dovecot, dovecot.master_user, dovecot.master_password, "example9999")
    assert answer.startswith("NO")


def test_people_sign_in_to_sieve_with_both_names(dovecot):
    for name in ("example0001", "anna@example.test"):
        assert sieve_sign_in(dovecot, name, PASSWORD, "").startswith("OK")


def test_doveadm_over_http_knows_the_login(dovecot):
    ((kind, rows, _tag),) = doveadm_http(dovecot, "quotaGet", user="example0002")
    assert kind == "doveadmResponse"
    limits = {row["type"]: row["limit"] for row in rows}
    assert limits["STORAGE"] == str(200)
    assert doveadm_http(dovecot, "quotaGet", user="example9999")[0][0] == "error"


def test_commands_after_a_mail_command_still_reach_auth_and_sessions(dovecot):
    # One doveadm process serves all requests; it must not lose its rights on the way.
    doveadm_http(dovecot, "quotaGet", user="example0001")
    with imaplib.IMAP4_SSL("localhost", dovecot.ports["imaps"], ssl_context=tls(dovecot)) as imap:
        imap.login("anna@example.test", PASSWORD)
        ((_, sessions, _),) = doveadm_http(dovecot, "who", mask=["example0001"])
        assert [session["service"] for session in sessions] == ["imap"]
        ((_, kicked, _),) = doveadm_http(dovecot, "kick", mask=["example0001"])
        assert kicked == [{"result": "example0001"}]


def test_a_vacation_reply_leaves_through_the_sink(dovecot, sink: Sink):
    script = 'require "vacation"; vacation :subject "Away" "Back on Monday.";'
    answer = doveadm_http(
        dovecot, "sievePut", user="example0001", scriptname="away", activate=True, file=script
    )
    assert answer == [["doveadmResponse", [], "tag"]]
    sink.clear()
    dovecot.deliver("anna@example.test", mail("anna@example.test", "question"), STRANGER)
    (reply,) = sink.wait_for(1, to=STRANGER)
    assert reply["X-Sink-From"] == "<>"
    assert reply["From"] == "anna@example.test"  # the address, though Dovecot's user is the login
    assert reply["Subject"] == "Away"
    assert reply["In-Reply-To"] == "<question@elsewhere.test>"
    dovecot.run_doveadm("sieve", "deactivate", "-u", "example0001")


def test_endpoints_hold_no_secret(dovecot_with_postgresql):
    server = dovecot_with_postgresql
    for secret in server.credentials().values():
        if secret != server.master_user:
            assert secret not in repr(server.endpoints())
    whole = make_url(str(server.endpoints()["sql_url"])).set(password=server.credentials()["sql_password"])
    assert whole.render_as_string(hide_password=False) == server.sql_url


def test_it_comes_back_after_a_kill_with_all_mail(dovecot_with_sqlite):
    server = dovecot_with_sqlite
    server.deliver("anna@example.test", mail("anna@example.test", "before"), STRANGER)
    server.kill()
    with pytest.raises(ConnectionRefusedError):
        server.deliver("anna@example.test", mail("anna@example.test", "meanwhile"), STRANGER)
    server.start()
    assert "before" in subjects(server, "example0001")
