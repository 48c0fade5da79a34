"""Who can't sign in asks for a link on which to choose a password.

What a visitor types is kept and looked at by a worker: the page answers the same, as quickly, whether
anybody has this name or not. Staff and webmasters are written to at their own address. A mailbox's link
goes to its recovery address; without one the domain's webmasters decide.
"""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import recovery, refused_mails
from accounts.languages import writing_to
from accounts.mailed_links import AskedOften
from accounts.models import Mailbox, OneTimeLink, PasswordRequest, Person
from accounts.names import Named, who_is
from accounts.naming import folded
from accounts.one_time_links import (
    CHOOSE_PASSWORD,
    CONFIRM_ADDRESS,
    LIFETIME,
    asked_lately,
    give_code,
    make_link,
    plan_link,
)
from audit.chain import record
from audit.origin import current_origin
from mails import queue
from mails.delivery import Outcome, deliver

State = PasswordRequest.State
DAY = timedelta(days=1)
# A day: for one name as it was typed, and from one address; many people may sit behind that.
MOST_FOR_NAME, MOST_FROM_ADDRESS = 3, 30
# To one account, by whichever names; and of so many people one address is looked for.
MOST_FOR_ACCOUNT, MOST_OF_ADDRESS = 3, 5
EXPIRES_AFTER = timedelta(days=14)
FORGOTTEN_AFTER = timedelta(days=90)
# So long a worker has for a mail before another one may try it.
SENDING = timedelta(minutes=10)
MAILED_AT_ONCE = 500


class AlreadyDecided(Exception):
    """Somebody else approved or refused the request meanwhile, or it has expired."""


def ask(typed: str) -> bool:
    """Keep a visitor's wish; False: with this name, or from there, there were too many today.

    That depends on what was typed alone, not on whose name it is.
    """
    name, source = folded(typed), current_origin().address
    lately = PasswordRequest.objects.filter(asked_at__gt=timezone.now() - DAY)
    if lately.filter(typed=name).count() >= MOST_FOR_NAME:
        return False
    if source and lately.filter(source_address=source).count() >= MOST_FROM_ADDRESS:
        return False
    PasswordRequest.objects.create(typed=name, source_address=source)
    return True


def look_at_requests() -> None:
    """A worker's round: each new request becomes a link on its way, a webmaster's decision, or nothing."""
    now = timezone.now()
    PasswordRequest.objects.filter(state=State.WAITING, asked_at__lt=now - EXPIRES_AFTER).update(
        state=State.EXPIRED, decided_at=now
    )
    PasswordRequest.objects.filter(asked_at__lt=now - FORGOTTEN_AFTER).delete()
    for request in PasswordRequest.objects.filter(state=State.NEW).order_by("pk")[:100]:
        _look_at(request)


@transaction.atomic
def _look_at(request: PasswordRequest) -> None:
    # Each is one worker's: whoever moves it on.
    if not PasswordRequest.objects.filter(pk=request.pk, state=State.NEW).update(state=State.NOBODY):
        return
    named = who_is(request.typed)
    for person in _people(named):
        _send_to_person(person, request)
    mailboxes = [mailbox for mailbox in named.mailboxes if mailbox.enabled]
    if len(mailboxes) == 1:
        _look_at_mailbox(mailboxes[0], request)


def _people(named: Named) -> list[Person]:
    """Who signs in with this name, or has this address, and can be written to."""
    found = {named.person.pk: named.person} if named.person else {}
    if "@" in named.name:
        theirs = Person.objects.signing_in_themselves().filter(email__iexact=named.name).order_by("pk")
        found |= {person.pk: person for person in theirs[:MOST_OF_ADDRESS]}
    return [person for person in found.values() if person.is_active and person.email]


def _send_to_person(person: Person, request: PasswordRequest) -> None:
    """Their second factor is asked for afterwards as ever."""
    if asked_lately(CHOOSE_PASSWORD, person) >= MOST_FOR_ACCOUNT:
        return
    request.state = State.SENT
    request.save(update_fields=["state"])
    try:
        plan_link(CHOOSE_PASSWORD, person, by=None, mail_to=person.email)
    except AskedOften:
        return
    record("person.password_link_asked", by=None, about=person, after={"from": request.source_address})


def _look_at_mailbox(mailbox: Mailbox, request: PasswordRequest) -> None:
    request.mailbox = mailbox
    if mailbox.recovery_address:
        request.state = State.SENT
        if asked_lately(CHOOSE_PASSWORD, mailbox) >= MOST_FOR_ACCOUNT:
            request.save(update_fields=["state", "mailbox"])
            return
        try:
            plan_link(CHOOSE_PASSWORD, mailbox, by=None, mail_to=mailbox.recovery_address)
        except AskedOften:
            request.save(update_fields=["state", "mailbox"])
            return
        verb = "mailbox.password_link_asked"
    elif PasswordRequest.objects.filter(mailbox=mailbox, state=State.WAITING).exists():
        request.state = State.REPEATED
        request.save(update_fields=["state", "mailbox"])
        return
    else:
        request.state = State.WAITING
        request.mail_due_at = timezone.now()
        verb = "mailbox.password_asked_for"
    request.save(update_fields=["state", "mailbox", "mail_due_at"])
    record(verb, by=None, about=mailbox, domain=mailbox.domain.name, after={"from": request.source_address})


@transaction.atomic
def approve(request: PasswordRequest, *, by: Person) -> str:
    """The address of a link, for the webmaster to hand over; raises AlreadyDecided."""
    _decide(request, State.APPROVED, by, "")
    return make_mailbox_link(_mailbox_of(request), by=by)


@transaction.atomic
def refuse(request: PasswordRequest, reason: str, *, by: Person) -> None:
    """Raises AlreadyDecided."""
    _decide(request, State.REFUSED, by, reason)
    mailbox = _mailbox_of(request)
    after = {"reason": reason} if reason else {}
    record("mailbox.password_refused", by=by, about=mailbox, domain=mailbox.domain.name, after=after)


@transaction.atomic
def make_mailbox_link(mailbox: Mailbox, *, by: Person) -> str:
    """The address of a link on which the mailbox's user chooses a password; shown once."""
    record("mailbox.password_link_made", by=by, about=mailbox, domain=mailbox.domain.name)
    return make_link(CHOOSE_PASSWORD, mailbox, by=by)


@transaction.atomic
def send_mailbox_link(mailbox: Mailbox, *, by: Person) -> None:
    """Have such a link mailed to the recovery address, which nobody else sees; raises AskedOften."""
    if recovery.is_asked_often("mailbox.password_link_sent", mailbox):
        raise AskedOften
    record("mailbox.password_link_sent", by=by, about=mailbox, domain=mailbox.domain.name)
    plan_link(CHOOSE_PASSWORD, mailbox, by=by, mail_to=mailbox.recovery_address)


def mail_links() -> int:
    """Make and mail the links that are due, one that could not be sent anew later; how many went out."""
    now = timezone.now()
    waiting = OneTimeLink.objects.filter(mail_due_at__lte=now).select_related(
        "mailbox__domain", "mailbox__owner", "person"
    )
    # Who asked for theirs waits for it; those made for many at once may come later.
    due = waiting.order_by(F("made_by").asc(nulls_first=True), "pk")[:MAILED_AT_ONCE]
    sent = 0
    for link in due:
        if not OneTimeLink.objects.filter(pk=link.pk, mail_due_at__lte=now).update(mail_due_at=now + SENDING):
            continue
        if link.expires_at < now:
            OneTimeLink.objects.filter(pk=link.pk).update(mail_due_at=None)
            continue
        outcome = _mail_link(link)
        sent += outcome == Outcome.SENT
        if outcome == Outcome.AWAY:
            break
    return sent


def _mail_link(link: OneTimeLink) -> Outcome:
    purpose = CONFIRM_ADDRESS if link.purpose == CONFIRM_ADDRESS.name else CHOOSE_PASSWORD
    target = link.mailbox or link.person
    assert target is not None  # noqa: S101 - the table says that one is filled
    with writing_to(target):
        subject, template = _words_for(link)
        context = {"target": target, "mailbox": link.mailbox, "link": give_code(purpose, link)}
        text = render_to_string(template, context)
    delivery = deliver(link.mail_to, subject, text)
    again = refused_mails.due_again(
        delivery, since=link.expires_at - LIFETIME, about=target, address=link.mail_to, subject=subject
    )
    OneTimeLink.objects.filter(pk=link.pk).update(mail_due_at=again)
    return delivery.outcome


def _words_for(link: OneTimeLink) -> tuple[str, str]:
    """The subject and the template of its mail."""
    if link.purpose == CONFIRM_ADDRESS.name:
        subject = _("Is this the recovery address of %(name)s?") % {"name": link.mailbox or link.person}
        return subject, "accounts/confirm_address_mail.txt"
    if link.mailbox is not None:
        subject = _("Choose a password for %(address)s") % {"address": link.mailbox.address}
        return subject, "accounts/password_link_mail.txt"
    if link.person is not None and link.made_by_id is None:
        subject = _("Choose a password for %(address)s") % {"address": link.person.username}
        return subject, "accounts/password_link_mail.txt"
    return _("Choose a password for the mail portal"), "accounts/invitation_mail.txt"


def tell_webmasters() -> None:
    """Write to those who decide, of what they were not told yet."""
    due = PasswordRequest.objects.filter(mail_due_at__lte=timezone.now(), state=State.WAITING)
    for request in due.select_related("mailbox__domain")[:100]:
        _tell_webmasters(request)


@transaction.atomic
def _tell_webmasters(request: PasswordRequest) -> None:
    # Each is one worker's: whoever takes its time away.
    if not PasswordRequest.objects.filter(pk=request.pk).exclude(mail_due_at=None).update(mail_due_at=None):
        return
    mailbox = _mailbox_of(request)
    page = settings.PUBLIC_URL + reverse("accounts:list-password-requests", args=[mailbox.domain.name])
    context = {"request": request, "mailbox": mailbox, "page": page}
    for person in mailbox.domain.webmasters.filter(is_active=True).exclude(email=""):
        with writing_to(person):
            subject = _("%(address)s asks for a new password") % {"address": mailbox.address}
            text = render_to_string("accounts/password_request_mail.txt", context)
        queue.post([person.email], subject, text, domain=mailbox.domain.name)


def _decide(request: PasswordRequest, state: str, by: Person, reason: str) -> None:
    mine = PasswordRequest.objects.filter(pk=request.pk, state=State.WAITING)
    if not mine.update(
        state=state, decided_at=timezone.now(), decided_by=by, reason=reason, mail_due_at=None
    ):
        raise AlreadyDecided


def _mailbox_of(request: PasswordRequest) -> Mailbox:
    assert request.mailbox is not None  # noqa: S101 - one that waits has been found
    return request.mailbox
