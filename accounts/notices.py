"""Mails about what a thief would do, to the mailbox and its recovery address, with a link: this was not me.

    tell(mailbox, "app-password", by=person, detail=name)

in the transaction that does it. A worker mails them; `freezing.py` does what the link is for. Each address
gets a link of its own, with 256 random bits of which only the SHA-256 is kept, good for one press within 72
hours. Unlike one-time links they outlive the next password: whoever changed it once may do so again.
"""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts import refused_mails
from accounts.codes import hash_of, new_code
from accounts.languages import writing_to
from accounts.models import Mailbox, Notice, Person
from accounts.one_time_links import LIFETIME, Purpose, address_of, named
from audit.chain import Actor
from audit.origin import current_origin
from mails.delivery import Outcome, deliver
from mailservers.moments import in_readers_zone, read_moment

NOT_ME = Purpose("not-me", "accounts:not-me")
FORGOTTEN_AFTER = timedelta(days=30)
# So long a worker has for a mail before another one may try it.
SENDING = timedelta(minutes=10)
# What %(what)s, a mailbox or somebody's user name, is told. The second: there is a detail.
KINDS: dict[str, tuple[str, str]] = {
    "password": (gettext_noop("The password of %(what)s was changed."), ""),
    "recovery": (
        gettext_noop("The recovery address of %(what)s was taken away."),
        gettext_noop("The recovery address of %(what)s is now %(detail)s."),
    ),
    "second-factor": (
        gettext_noop("The second factor of %(what)s was changed."),
        gettext_noop("A second factor of %(what)s was added: %(detail)s."),
    ),
    "factor-removed": (
        gettext_noop("The second factor of %(what)s was taken away."),
        gettext_noop("A second factor of %(what)s was taken away: %(detail)s."),
    ),
    "passkey-copied": (
        gettext_noop("A passkey of %(what)s may have been copied."),
        gettext_noop("A passkey of %(what)s may have been copied, and was refused: %(detail)s."),
    ),
    "recovery-codes": (gettext_noop("New recovery codes were made for %(what)s."), ""),
    "app-password": (
        gettext_noop("An app password was made for %(what)s."),
        gettext_noop("An app password was made for %(what)s: %(detail)s."),
    ),
    "password-lets-in": (
        gettext_noop("Mail programs may use the password of %(what)s again, beside app passwords."),
        "",
    ),
    # Of a rule of the domain, not of a person: without a link.
    "apps-due": (
        gettext_noop("Mail programs soon get in to %(what)s with app passwords only."),
        gettext_noop("From %(detail)s on, mail programs get in to %(what)s with app passwords only."),
    ),
    "apps-only": (gettext_noop("Mail programs now get in to %(what)s with app passwords only."), ""),
    "forwarding": (
        gettext_noop("Mail to %(what)s is to be forwarded."),
        gettext_noop("Mail to %(what)s is to be forwarded to %(detail)s."),
    ),
    # To those who look after it, without a link.
    "not-me": (gettext_noop("%(what)s says: somebody else changed something in my account."), ""),
}
# There is nothing to stop: they tell of no deed of somebody who came in.
WITHOUT_LINK = {"not-me", "apps-due", "apps-only"}


def tell(
    about: Mailbox | Person, kind: str, *, by: Actor | None, detail: str = "", also_to: Iterable[str] = ()
) -> None:
    """Have those who should know mailed, in the caller's transaction. `also_to`: who no longer would be."""
    readers = {*_readers(about), *also_to} - {""}
    _plan(about, kind, readers, by=by, detail=detail)


def tell_moved(rows: Iterable[tuple[Mailbox, str]], *, by: Actor | None) -> None:
    """Of mailboxes whose recovery address was changed together; each with the one before."""
    for mailbox, before in rows:
        tell(mailbox, "recovery", by=by, detail=mailbox.recovery_address, also_to=[before])


def tell_many(kind: str, rows: Iterable[tuple[Mailbox, str]]) -> None:
    """The same of many mailboxes, by the portal itself; each with its detail, for a moment in ISO form."""
    planned = (
        _planned(about, kind, _readers(about) - {""}, by=None, detail=detail) for about, detail in rows
    )
    Notice.objects.bulk_create([notice for notices in planned for notice in notices], batch_size=500)


def tell_who_looks_after(about: Mailbox | Person) -> None:
    """That somebody else has the password, perhaps: the domain's webmasters, or else the operators."""
    operators = Person.objects.filter(is_operator=True, is_active=True)
    found: set[str] = set()
    if isinstance(about, Mailbox):
        found = set(about.domain.webmasters.filter(is_active=True).values_list("email", flat=True)) - {""}
    if not found:
        found = set(operators.exclude(pk=about.pk).values_list("email", flat=True)) - {""}
    _plan(about, "not-me", found, by=None)


def find_notice(code: str) -> Notice | None:
    """Whose link it is; None when it was used, or is too old."""
    fresh = Notice.objects.filter(used_at=None, at__gt=timezone.now() - LIFETIME)
    return fresh.select_related("person", "mailbox__domain").filter(code_hash=hash_of(code)).first()


def use_notice(notice: Notice) -> bool:
    """It is used up in the caller's transaction; of two at the same time one gets True."""
    return bool(Notice.objects.filter(pk=notice.pk, used_at=None).update(used_at=timezone.now()))


def sentence_of(notice: Notice) -> str:
    """What happened, in the language that is spoken."""
    plain, detailed = KINDS[notice.kind]
    what = notice.mailbox.address if notice.mailbox else str(notice.person)
    detail = _in_words(notice.detail) if notice.kind == "apps-due" else notice.detail
    return _(detailed if detail and detailed else plain) % {"what": what, "detail": detail}


def _in_words(moment: str) -> str:
    found = read_moment(moment)
    return date_format(in_readers_zone(found), _("j F Y, H:i")) if found else moment


def mail_notices() -> int:
    """A worker's round: those that are due; how many went out. What could not be sent is tried again."""
    now, sent = timezone.now(), 0
    Notice.objects.filter(at__lt=now - FORGOTTEN_AFTER).delete()
    due = Notice.objects.filter(mail_due_at__lte=now).select_related(
        "person", "mailbox__domain", "mailbox__owner", "by"
    )
    for notice in due.order_by("pk")[:200]:
        mine = Notice.objects.filter(pk=notice.pk, mail_due_at=notice.mail_due_at)
        # Each is one worker's: whoever moves its time on.
        if not mine.update(mail_due_at=now + SENDING):
            continue
        outcome = _mail(notice)
        sent += outcome == Outcome.SENT
        if outcome == Outcome.AWAY:
            break
    return sent


def _plan(
    about: Mailbox | Person, kind: str, readers: set[str], *, by: Actor | None, detail: str = ""
) -> None:
    Notice.objects.bulk_create(_planned(about, kind, readers, by=by, detail=detail))


def _planned(
    about: Mailbox | Person, kind: str, readers: set[str], *, by: Actor | None, detail: str
) -> list[Notice]:
    now, source = timezone.now(), current_origin().address
    return [
        Notice(
            **named(about),
            kind=kind,
            detail=detail[:500],
            by=by if isinstance(by, Person) else None,
            source_address=source,
            mail_to=reader,
            mail_due_at=now,
        )
        for reader in sorted(readers)
    ]


def _readers(about: Mailbox | Person) -> set[str]:
    if isinstance(about, Mailbox):
        return {about.address, about.recovery_address}
    own = about.mailboxes.alive().values_list("address", "recovery_address")
    return {about.email, *(address for pair in own for address in pair)}


def _mail(notice: Notice) -> Outcome:
    code = new_code()
    Notice.objects.filter(pk=notice.pk).update(code_hash=hash_of(code))
    link = address_of(NOT_ME, code)
    with writing_to(_reader_of(notice)):
        subject = sentence_of(notice).rstrip(".")
        context = {
            "sentence": sentence_of(notice),
            "notice": notice,
            "link": "" if notice.kind in WITHOUT_LINK else link,
            "app_passwords": _app_passwords_page(notice),
            "page": _page_of_mailbox(notice) if notice.kind == "not-me" else "",
            "by_another": _is_by_another(notice),
        }
        text = render_to_string("accounts/notice_mail.txt", context)
    delivery = deliver(notice.mail_to, subject, text)
    again = refused_mails.due_again(
        delivery, since=notice.at, about=_about(notice), address=notice.mail_to, subject=subject
    )
    Notice.objects.filter(pk=notice.pk).update(mail_due_at=again)
    return delivery.outcome


def _app_passwords_page(notice: Notice) -> str:
    """Where they are made, for who needs some soon; else nothing."""
    if notice.mailbox is None or notice.kind not in ("apps-due", "apps-only"):
        return ""
    return f"{settings.PUBLIC_URL}{reverse('accounts:list-app-passwords', args=[notice.mailbox.address])}"


def _page_of_mailbox(notice: Notice) -> str:
    """Where a webmaster sees to it; nothing for a person."""
    if notice.mailbox is None:
        return ""
    return f"{settings.PUBLIC_URL}{reverse('accounts:show-mailbox', args=[notice.mailbox.address])}"


def _is_by_another(notice: Notice) -> bool:
    """Somebody who looks after it did so, and not its user."""
    if notice.by is None:
        return False
    return notice.by_id != (notice.mailbox.owner_id if notice.mailbox else notice.person_id)


def _reader_of(notice: Notice) -> Mailbox | Person:
    """Who reads it: whoever looks after the mailbox or the person, else its own user."""
    if notice.kind == "not-me":
        reader = Person.objects.filter(email=notice.mail_to, is_active=True).first()
        if reader is not None:
            return reader
    return _about(notice)


def _about(notice: Notice) -> Mailbox | Person:
    about = notice.mailbox or notice.person
    assert about is not None  # noqa: S101 - the table says that one is filled
    return about
