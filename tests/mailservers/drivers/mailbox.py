"""What the mailbox's owner, and strangers who write to it, do on a real Dovecot."""

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

from fleet.dovecot import Dovecot
from mailservers.drivers.base import AccountState
from mailservers.drivers.managesieve import ManageSieveClient, ScriptEntry

STRANGER = "stranger@elsewhere.test"


def tls(server: Dovecot) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(server.ca_file))


@contextmanager
def webmail(server: Dovecot, login: str) -> Iterator[ManageSieveClient]:
    """ManageSieve, as the owner's webmail uses it."""
    with ManageSieveClient("localhost", server.ports["sieve"], tls=tls(server)) as client:
        client.authenticate(server.master_user, server.master_password, mailbox=login)
        yield client


def keep_own_script(server: Dovecot, login: str, name: str, text: str, *, active: bool = True) -> None:
    with webmail(server, login) as client:
        client.put_script(name, text)
        if active:
            client.set_active(name)


def scripts(server: Dovecot, login: str) -> dict[str, bool]:
    """The names of the scripts, and whether each is active."""
    with webmail(server, login) as client:
        return dict(ScriptEntry(name, active) for name, active in client.list_scripts())


def script_text(server: Dovecot, login: str, name: str) -> str:
    with webmail(server, login) as client:
        return client.get_script(name).replace("\r\n", "\n")


def deliver(server: Dovecot, account: AccountState, subject: str, sender: str = STRANGER) -> None:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = account.address
    message["Subject"] = subject
    message["Message-ID"] = f"<{subject}-{account.address.partition('@')[0]}@elsewhere.test>"
    message.set_content("Hello.")
    server.deliver(account.address, message, sender)


def subjects(server: Dovecot, login: str, folder: str = "INBOX") -> list[str]:
    """Of the mails in the folder; none when there is no such folder."""
    with imap(server) as client:
        secret = f"{login}\0{server.master_user}\0{server.master_password}"
        client.authenticate("PLAIN", lambda _: secret.encode())
        answer, messages = client.select(folder, readonly=True)
        if answer != "OK" or messages == [b"0"]:
            return []
        _, found = client.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
        headers = [part[1].decode() for part in found if isinstance(part, tuple)]
        return [header.strip().removeprefix("Subject: ") for header in headers]


def imap(server: Dovecot) -> imaplib.IMAP4_SSL:
    return imaplib.IMAP4_SSL("localhost", server.ports["imaps"], ssl_context=tls(server), timeout=10)


def sign_in(client: imaplib.IMAP4_SSL, name: str, password: str) -> None:
    """As mail programs do; imaplib's `login` takes ASCII only."""
    client.authenticate("PLAIN", lambda _: f"\0{name}\0{password}".encode())


def signs_in(server: Dovecot, name: str, password: str) -> bool:
    with imap(server) as client:
        try:
            sign_in(client, name, password)
        except imaplib.IMAP4.error:
            return False
        return True
