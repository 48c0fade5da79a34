"""By what the list of mailboxes can be narrowed that this app knows of; registered in AppConfig.ready."""

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Concat
from django.utils.translation import gettext_lazy as _

from accounts.models import SHOWN
from vacation.models import ForwardingTarget


def forwarding_outside() -> "QuerySet[ForwardingTarget, int]":
    """Ids of mailboxes whose mail is to go on to an address of another domain."""
    inside = Concat(Value("@"), F("forwarding__mailbox__domain__name"))
    targets = ForwardingTarget.objects.filter(listed=True, forwarding__enabled=True)
    return targets.exclude(address__endswith=inside).values_list("forwarding__mailbox", flat=True)


SHOWN["auto-reply"] = (_("auto-reply is on"), Q(auto_reply__enabled=True))
SHOWN["forwards-outside"] = (_("forwards to outside"), lambda: Q(pk__in=forwarding_outside()))
