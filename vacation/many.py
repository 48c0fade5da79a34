"""Auto-replies and forwardings of many mailboxes, switched off or on again together."""

from collections.abc import Sequence

from accounts.models import Mailbox, Person
from audit.chain import record_all
from mailservers import outbox
from mailservers.models import Change
from vacation import forwarding, services
from vacation.models import AutoReply, Forwarding
from vacation.telling import replace_request, tell_user

# What a mailbox is noted to have on, and the setting that is meant.
SWITCHES = {"auto_reply_on": "auto_reply", "forwarding_on": "forwarding"}


def note_switches(mailboxes: Sequence[Mailbox]) -> None:
    """Each mailbox knows afterwards whether they are on, by the names of SWITCHES."""
    on = {"enabled": True, "mailbox__in": [mailbox.pk for mailbox in mailboxes]}
    replying = set(AutoReply.objects.filter(**on).values_list("mailbox", flat=True))
    sending = set(Forwarding.objects.filter(**on).values_list("mailbox", flat=True))
    for mailbox in mailboxes:
        mailbox.auto_reply_on = mailbox.pk in replying  # type: ignore[attr-defined]
        mailbox.forwarding_on = mailbox.pk in sending  # type: ignore[attr-defined]


def switch_many(switch: str, mailboxes: Sequence[Mailbox], *, on: bool, by: Person) -> list[Change]:
    """As its page does, texts and targets staying; in the caller's transaction, with the mailboxes locked."""
    setting, entries = SWITCHES[switch], []
    for mailbox in mailboxes:
        if setting == "auto_reply":
            told = AutoReply.of(mailbox).as_told() | {"enabled": on}
            entries.append(services.bring_back(mailbox, told))
        else:
            told = Forwarding.of(mailbox).as_told() | {"forward": on}
            entries.append(forwarding.bring_back(mailbox, told))
        replace_request(mailbox, setting)
        tell_user(mailbox, setting, by)
    events = record_all(entries, by=by)
    return outbox.request_pushes(list(zip(mailboxes, events, strict=True)), "script")
