"""Mails as they come from outside."""

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
