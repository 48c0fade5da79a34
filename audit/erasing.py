"""Personal data: what the chain knows about somebody, and its erasure that keeps the chain verifiable."""

from typing import Any

from django.db import models, transaction

from audit.chain import Actor, Entry, record_all
from audit.hashing import group_digest
from audit.models import Event

# So many numbers fit an event that tells of an erasure.
TOLD_AT_ONCE = 1000
BLANK: dict[str, dict[str, Any]] = {
    "who": {"by_name": "", "on_behalf_of_name": "", "source_address": "", "who_salt": ""},
    "what": {"subject": "", "before": None, "after": None, "what_salt": ""},
}


def about_person(
    person_id: int, mailbox_ids: list[int], names: list[str]
) -> "dict[str, models.QuerySet[Event]]":
    """By group of fields: the events that hold something personal of them, by id or by one of their names."""
    subject = models.Q(subject_kind="accounts.person", subject_id=person_id)
    subject |= models.Q(subject_kind="accounts.mailbox", subject_id__in=mailbox_ids)
    subject |= models.Q(subject__in=names)
    return {
        "who": Event.objects.filter(models.Q(by=person_id) | models.Q(on_behalf_of=person_id), who_digest=""),
        # Events about erasures name nobody, and are needed.
        "what": Event.objects.filter(subject, what_digest="").exclude(verb="audit.erased"),
    }


@transaction.atomic
def erase(
    groups: "dict[str, models.QuerySet[Event]]", *, by: Actor | None, about: models.Model, reason: str
) -> int:
    """Blank the groups of fields; how many. What was blanked, and why, is told by events of its own."""
    count, entries = 0, []
    for group, events in groups.items():
        numbers = []
        for event in events.order_by("number").iterator(chunk_size=500):
            fields = event.who() if group == "who" else event.what()
            digest = group_digest(getattr(event, f"{group}_salt"), fields)
            Event.objects.filter(pk=event.pk).update(**BLANK[group], **{f"{group}_digest": digest})
            numbers.append(event.number)
        count += len(numbers)
        entries += [
            Entry(
                verb="audit.erased",
                about=about,
                name=f"{about._meta.verbose_name} {about.pk}",
                after={"events": numbers[at : at + TOLD_AT_ONCE], "groups": [group], "reason": reason},
            )
            for at in range(0, len(numbers), TOLD_AT_ONCE)
        ]
    record_all(entries, by=by)
    return count
