"""Mails as they come from outside, and large ones that lie in a mailbox's folders."""

import imaplib
from collections.abc import Iterable
from email.message import EmailMessage
from email.utils import formataddr, localtime, make_msgid


def mail_from_outside(sender: str, *, name: str, to: str, subject: str, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = formataddr((name, sender))
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = localtime()
    mail["Message-ID"] = make_msgid(domain=sender.partition("@")[2])
    mail.set_content(text)
    return mail


def keep_mails(imap: imaplib.IMAP4, address: str, mails: Iterable[tuple[str, int]]) -> None:
    """Put mails into the folders of the mailbox that is signed in: folder and kilobytes of each."""
    for folder, kilobytes in mails:
        mail = mail_from_outside(
            "archive@elsewhere.test",
            name="Archive",
            to=address,
            subject=f"Photographs, {kilobytes} kB",
            text="",
        )
        mail.set_content(("x" * 75 + "\n") * (kilobytes * 1024 // 77))
        imap.create(folder)
        answer = imap.append(folder, "", "", mail.as_bytes().replace(b"\n", b"\r\n"))
        if answer[0] != "OK":
            raise RuntimeError(f"{address} did not take a mail of {kilobytes} kB into {folder}.")
