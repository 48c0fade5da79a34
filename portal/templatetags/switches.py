"""What of a mailbox is not on."""

from django import template

from accounts.models import Mailbox
from accounts.switches import state_of

register = template.Library()


@register.filter
def switched(mailbox: Mailbox) -> str:
    """In a few words; "" when all is on."""
    return state_of(mailbox)
