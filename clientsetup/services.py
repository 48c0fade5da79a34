"""One-time links: made and opened, each with its event."""

from django.db import transaction
from django.utils import timezone

from accounts.codes import hash_of, new_code
from accounts.link_codes import link_with
from accounts.models import Mailbox, Person
from audit.chain import record
from clientsetup.models import SetupLink


@transaction.atomic
def make_link(mailbox: Mailbox, *, by: Person) -> str:
    """The address of a page that shows the set-up once; only its hash is kept."""
    code = new_code()
    SetupLink.objects.filter(expires_at__lt=timezone.now()).delete()
    link = SetupLink.objects.create(
        mailbox=mailbox,
        code_hash=hash_of(code),
        made_by=by,
        expires_at=SetupLink.expiry(),
        password_changed_at=mailbox.password_changed_at,
    )
    record(
        "setup_link.made",
        by=by,
        about=mailbox,
        domain=mailbox.domain.name,
        after={"until": link.expires_at.isoformat()},
    )
    return link_with("clientsetup:open-link", code)


@transaction.atomic
def use_link(code: str) -> Mailbox | None:
    """The mailbox of a link that nobody has used yet; two at the same time: one gets it."""
    link = SetupLink.objects.usable().with_code(code).select_related("mailbox__domain").first()
    if link is None or not SetupLink.objects.filter(pk=link.pk, used_at=None).update(used_at=timezone.now()):
        return None
    record("setup_link.opened", by=None, about=link.mailbox, domain=link.mailbox.domain.name)
    return link.mailbox
