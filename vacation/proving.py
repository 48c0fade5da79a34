"""Sends a real mail to a mailbox and looks what comes of it: step by step, for somebody who watches."""

import secrets
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import localtime
from pathlib import Path

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts.models import Mailbox
from mailservers.drivers.base import Delivers, DriverError
from mailservers.models import Change
from mailservers.servers import driver_for
from vacation.content import auto_reply_of, forward_content_of, forwarding_of
from vacation.models import AutoReply, Proof
from vacation.preview import previews_of

# So long a reply may take.
PATIENCE = 20.0
POLL = 0.25


def run(number: int) -> None:
    """Do it; each step is there to be seen as soon as it is done."""
    joined = ("mailbox__domain__mail_rules", "mailbox__server", "mailbox__auto_reply", "mailbox__forwarding")
    proof = Proof.objects.select_related(*joined).filter(pk=number, finished_at=None).first()
    if proof is None:
        return
    try:
        _run(proof)
    finally:
        Proof.objects.filter(pk=number).update(finished_at=timezone.now())


def _run(proof: Proof) -> None:
    mailbox = proof.mailbox
    change = Change.objects.newest_of(mailbox.pk, "script")
    if change is not None and change.state != Change.State.LIVE:
        _note(proof, "no", gettext_noop("The mail server does not have the newest change yet."))
        return
    targets = _targets(mailbox) if proof.about == "forwarding" else ()
    if proof.about == "forwarding" and not targets:
        _note(
            proof,
            "no",
            gettext_noop("Nothing is forwarded now: no address has agreed, or it is switched off."),
        )
        return
    if proof.about == "auto_reply" and not _answers_now(auto_reply_of(mailbox)):
        _note(
            proof,
            "no",
            gettext_noop("The auto-reply does not answer now: it is off, or its time is another."),
        )
        return
    token = secrets.token_hex(8)
    local, _, domain = settings.PROOF_ADDRESS.rpartition("@")
    sender = f"{local}+{token}@{domain}"
    _note(proof, "ok", gettext_noop("A test mail was written, from %(sender)s."), sender=sender)
    if not _hand_over(proof, sender, token):
        return
    if proof.about == "auto_reply":
        _await_reply(proof, sender)
    else:
        for target in targets:
            _await_forward(proof, target, token)


def _hand_over(proof: Proof, sender: str, token: str) -> bool:
    mailbox = proof.mailbox
    server = mailbox.server
    try:
        driver = driver_for(server)
        if not isinstance(driver, Delivers):
            sentence = gettext_noop("The portal cannot hand mail to a server of this kind by itself.")
            _note(proof, "unknown", sentence)
            return False
        driver.deliver(mailbox.address, sender=sender, mail=_test_mail(mailbox, sender, token))
    except DriverError as error:
        _note_values(proof, "no", error.reason, error.values)
        return False
    _note(
        proof,
        "ok",
        gettext_noop("%(server)s took it for %(address)s."),
        server=server.name,
        address=mailbox.address,
    )
    return True


def _await_reply(proof: Proof, sender: str) -> None:
    reply = _await(lambda mail: sender in _receivers(mail))
    if reply is None:
        sentence = gettext_noop("No reply came back within %(seconds)d seconds.")
        _note(proof, "no", sentence, seconds=int(PATIENCE))
        return
    text = _text_of(reply)
    _note(
        proof,
        "ok",
        gettext_noop("The reply came back: “%(subject)s”."),
        text=text,
        subject=str(reply["Subject"]),
    )
    meant = previews_of(proof.mailbox.auto_reply)[-1].text
    if text.rstrip("\n") == meant.rstrip("\n"):
        _note(proof, "ok", gettext_noop("Its text is the one set here, to the letter."))
    else:
        _note(
            proof,
            "no",
            gettext_noop("Its text is not the one set here. Compare the mailbox with its server."),
        )


def _await_forward(proof: Proof, target: str, token: str) -> None:
    seen = _await(lambda mail: target in _receivers(mail) and token in str(mail["Message-ID"]))
    if seen is not None:
        _note(proof, "ok", gettext_noop("The server of %(target)s accepted it."), target=target)
        return
    sentence = gettext_noop(
        "The mail server sends it on to %(target)s. Whether it arrives the portal cannot see: look there."
    )
    _note(proof, "unknown", sentence, target=target)


def _await(is_meant: Callable[[EmailMessage], bool]) -> EmailMessage | None:
    """The first such mail in the Maildir, once it is there."""
    end = time.monotonic() + PATIENCE
    known: set[Path] = set()
    while True:
        for path in _recent():
            if path in known:
                continue
            known.add(path)
            mail = message_from_bytes(path.read_bytes(), policy=policy.default)
            if isinstance(mail, EmailMessage) and is_meant(mail):
                return mail
        if time.monotonic() > end:
            return None
        time.sleep(POLL)


def _recent() -> list[Path]:
    """What came in the last minutes."""
    since = time.time() - 300
    places = [Path(settings.PROOF_MAILDIR) / part for part in ("new", "cur")]
    return [
        path
        for place in places
        if place.is_dir()
        for path in place.iterdir()
        if path.is_file() and path.stat().st_mtime > since
    ]


def _receivers(mail: EmailMessage) -> set[str]:
    """Of the envelope where whoever keeps the Maildir notes it, else of the head."""
    noted = [mail.get(name, "") for name in ("X-Sink-To", "X-Original-To", "Delivered-To")]
    found = [part for value in noted for part in str(value).split(",")]
    return {part.strip(" <>").lower() for part in found if part.strip()} or {str(mail.get("To", "")).lower()}


def _text_of(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return str(body.get_content()).replace("\r\n", "\n") if body else ""


def _test_mail(mailbox: Mailbox, sender: str, token: str) -> bytes:
    mail = EmailMessage(policy.SMTP)
    mail["From"], mail["To"] = sender, mailbox.address
    mail["Subject"] = f"Test of the mail portal ({token})"
    mail["Date"], mail["Message-ID"] = localtime(), f"<{token}@{sender.rpartition('@')[2]}>"
    mail.set_content("Somebody pressed “Prove it” in the mail portal. You can delete this mail.\n")
    return mail.as_bytes()


def _targets(mailbox: Mailbox) -> tuple[str, ...]:
    reply, now = auto_reply_of(mailbox), timezone.now()
    forward = forward_content_of(forwarding_of(mailbox), reply)
    if forward is None or (forward.ends and forward.ends <= now):
        return ()
    if forward.while_away and not _answers_now(reply):
        return ()
    return forward.targets


def _answers_now(reply: AutoReply | None) -> bool:
    if reply is None:
        return False
    now = timezone.now()
    window = reply.window_at(now)
    if window is None or (window[0] is not None and window[0] > now):
        return False
    return not reply.weekdays or reply.weekday_of(now) in reply.weekdays


def _note(proof: Proof, outcome: str, sentence: str, *, text: str = "", **values: str | int) -> None:
    _note_values(proof, outcome, sentence, values, text)


def _note_values(
    proof: Proof, outcome: str, sentence: str, values: dict[str, str | int], text: str = ""
) -> None:
    proof.steps.append({"outcome": outcome, "sentence": sentence, "values": values, "text": text[:20_000]})
    Proof.objects.filter(pk=proof.pk).update(steps=proof.steps)
