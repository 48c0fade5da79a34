"""Whether rules of a mailbox's own run before the auto-reply and the forwarding, or after them."""

from django.db import transaction

from accounts.models import Mailbox, Person
from audit.chain import record
from mailservers import outbox
from mailservers.models import Change
from vacation import own_rules
from vacation.permission import May, may


def may_order(person: Person, mailbox: Mailbox) -> bool:
    """Whoever may change one of the two at once: the rules between which it decides are the mailbox's own."""
    return any(may(person, mailbox, setting) == May.CHANGE for setting in ("auto_reply", "forwarding"))


@transaction.atomic
def order_own_rules(mailbox: Mailbox, *, first: bool, by: Person) -> Change | None:
    """Keep the choice, who made it, and the push it asks for; None where it was so already."""
    Mailbox.objects.select_for_update().get(pk=mailbox.pk)
    if not own_rules.put_first(mailbox, first=first):
        return None
    event = record(
        "own_rules.ordered",
        by=by,
        about=mailbox,
        domain=mailbox.domain.name,
        before={"own_rules_first": not first},
        after={"own_rules_first": first},
    )
    return outbox.request_push(mailbox, "script", event)
