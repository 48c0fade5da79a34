"""Keeps templates, and makes mailboxes that begin with one."""

from collections.abc import Sequence

from django.db import transaction

from accounts.models import Domain, Mailbox, Person
from accounts.services import create_mailbox
from audit.chain import record, record_all
from mailboxtemplates.models import MailboxTemplate
from mailservers import outbox
from mailservers.ranges import require_ranges
from mailservers.servers import limits_of
from vacation import services as auto_replies
from vacation.models import AutoReply
from vacation.reply_templates import filled_in, has_places


class Stale(Exception):
    """Somebody changed or deleted the template after it was shown; `now` is what they left of it."""

    def __init__(self, now: MailboxTemplate | None) -> None:
        super().__init__()
        self.now = now


@transaction.atomic
def save_template(template: MailboxTemplate, *, seen_version: int, by: Person) -> None:
    """Keep it; one that is chosen by itself takes that from another one. Raises Stale, or IntegrityError
    when its name is taken."""
    # Whoever saves another template of the domain waits.
    Domain.objects.select_for_update(no_key=True).get(pk=template.domain_id)
    before = None
    if template.pk:
        before = MailboxTemplate.objects.filter(pk=template.pk).select_related("reply", "domain").first()
        if before is None or before.version != seen_version:
            raise Stale(before)
    if template.is_default:
        others = MailboxTemplate.objects.filter(domain=template.domain, is_default=True)
        others.exclude(pk=template.pk).update(is_default=False)
    template.version = seen_version + 1
    require_ranges(template)
    template.save()
    record(
        "mailbox_template.changed" if before else "mailbox_template.made",
        by=by,
        about=template,
        domain=template.domain.name,
        before=before.as_told() if before else None,
        after=template.as_told(),
    )


@transaction.atomic
def delete_template(template: MailboxTemplate, *, by: Person) -> None:
    """Mailboxes that were made with it stay as they are. Quiet when it is gone already."""
    current = MailboxTemplate.objects.select_for_update(of=("self",)).select_related("reply", "domain")
    found = current.filter(pk=template.pk).first()
    if found is None:
        return
    record("mailbox_template.deleted", by=by, about=found, domain=found.domain.name, before=found.as_told())
    found.delete()


@transaction.atomic
def make_mailbox(
    domain: Domain,
    template: MailboxTemplate | None,
    local_part: str,
    *,
    login: str,
    name: str,
    by: Person,
    quota_bytes: int,
    recovery_address: str,
    language: str,
) -> Mailbox:
    """A new mailbox as it was typed, with what the template adds to that; raises what create_mailbox does."""
    mailbox = create_mailbox(
        domain,
        local_part,
        login=login,
        name=name,
        by=by,
        quota_bytes=quota_bytes,
        recovery_address=recovery_address,
        language=language,
        template=template.title if template else "",
    )
    if template is not None:
        begin_reply(mailbox, template, by=by)
    return mailbox


def begin_reply(mailbox: Mailbox, template: MailboxTemplate, *, by: Person) -> None:
    """Write the template's auto-reply, if it has one, into a new mailbox; in the caller's transaction."""
    reply = _reply_of(mailbox, template)
    if reply is None:
        return
    [event] = record_all([auto_replies.apply(mailbox, reply.as_told())], by=by)
    if reply.enabled:
        outbox.request_push(mailbox, "script", event)


def begin_replies(pairs: Sequence[tuple[Mailbox, MailboxTemplate]], *, by: Person) -> None:
    """The same for many, pushed behind single changes."""
    replies = [(mailbox, _reply_of(mailbox, template)) for mailbox, template in pairs]
    on = [(mailbox, reply) for mailbox, reply in replies if reply is not None and reply.enabled]
    auto_replies.save_auto_replies(on, by=by)
    off = [(mailbox, reply) for mailbox, reply in replies if reply is not None and not reply.enabled]
    record_all([auto_replies.apply(mailbox, reply.as_told()) for mailbox, reply in off], by=by)


def _reply_of(mailbox: Mailbox, template: MailboxTemplate) -> AutoReply | None:
    """Off where something in its text is still to be filled in; None where there is none, or can't be."""
    limits = limits_of(mailbox.server)
    if template.reply is None or (limits is not None and not limits.replies):
        return None
    subject, text = filled_in([template.reply], mailbox, until=None, replacement="", phone="")
    on = template.reply_on and not has_places(subject + text)
    return AutoReply(mailbox=mailbox, enabled=on, subject=subject, text=text)
