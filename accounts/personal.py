"""What the portal knows about a person: as a file for them, and how it is erased."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts import second_factors
from accounts.models import Mailbox, Person
from accounts.requests import person_of
from accounts.stepping_up import ask_to_step_up, file_after_step_up, has_stepped_up, steps_up
from audit import erasing
from audit.chain import Actor, record
from audit.models import Event

# Never in a file, not even for the one they belong to: what is called or ends so opens something, or is made
# of what does. tests/portal/test_known_fields.py lists every field that is in it.
SECRET = ("password", "hash", "selector", "salt", "token", "key", "sealed")

# Of other apps' tables and this one's: what is a part of a mailbox.
PARTS = {"usage", "apppassword"}


class StillNeeded(Exception):
    """The person has a mailbox, or looks after a domain, and has to go on signing in."""


def known_about(person: Person) -> Iterator[str]:
    """JSON Lines: the person, their mailboxes with what hangs on them, and every event they are in."""
    mailboxes = list(Mailbox.objects.filter(owner=person))
    yield _line("person", _fields(person))
    for mailbox in mailboxes:
        yield _line("mailbox", _fields(mailbox))
        for model, field in parts():
            for row in model._default_manager.filter(**{field: mailbox}):
                yield _line(str(model._meta.model_name), _fields(row))
    for device in second_factors.devices_of(person):
        yield _line(
            "second factor", {name: getattr(device, name) for name in ("name", "created_at", "last_used_at")}
        )
    groups = events_about(person)
    for event in (groups["who"] | groups["what"]).order_by("number").iterator(chunk_size=1000):
        yield _line("event", _fields(event))


def parts() -> list[tuple[type[Model], str]]:
    """What hangs on a mailbox and is a part of it, each with the field that names the mailbox."""
    related: list[tuple[Any, str]] = [
        (each.related_model, each.field.name) for each in Mailbox._meta.related_objects
    ]
    return [
        (model, field)
        for model, field in related
        if model._meta.app_label in ("vacation", "quotas") or model._meta.model_name in PARTS
    ]


def fields_of(model: type[Model]) -> list[str]:
    """Those that are in the file."""
    names = [field.attname for field in model._meta.concrete_fields]
    if model is Event:
        # By its hash an event is found again in the chain, where it has a number.
        return [name for name in names if name == "hash" or (name != "id" and not name.endswith(SECRET))]
    return [name for name in names if not name.endswith(SECRET)]


def events_about(person: Person) -> "dict[str, QuerySet[Event]]":
    """By group of fields, who and what: the events that hold something personal of them."""
    mailboxes = dict(Mailbox.objects.filter(owner=person).values_list("pk", "address"))
    return erasing.about_person(person.pk, list(mailboxes), [person.username, *mailboxes.values()])


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in fields_of(row._meta.model)}


def _line(kind: str, fields: dict[str, Any]) -> str:
    return json.dumps({"kind": kind, **fields}, ensure_ascii=False, default=str) + "\n"


@require_POST
@steps_up
def download_own_data(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Their own, and nobody else's; that they took it is an event."""
    if not has_stepped_up(request):
        return ask_to_step_up(request, back=reverse("accounts:show-account"))
    if fetching := file_after_step_up(request):
        return fetching
    person = person_of(request)
    record("person.data_taken", by=person, about=person)
    answer = StreamingHttpResponse(known_about(person), content_type="application/x-ndjson")
    answer["Content-Disposition"] = f'attachment; filename="my-data-{timezone.localdate():%Y-%m-%d}.jsonl"'
    answer["Cache-Control"] = "no-store"
    return answer


@transaction.atomic
def erase_person(person: Person, reason: str, *, by: Actor | None) -> int:
    """Forget who they are, here and in the chain; how many fields' groups of events. Raises StillNeeded."""
    mailboxes = Mailbox.objects.filter(owner=person)
    if person.domains.exists() or mailboxes.alive().exists():
        raise StillNeeded
    groups = events_about(person)
    count = erasing.erase(groups, by=by, about=person, reason=reason)
    person.username = f"erased-{secrets.token_hex(8)}"
    person.name = person.email = ""
    person.is_active = person.is_operator = person.is_support = False
    person.set_unusable_password()
    person.save()
    second_factors.forget_all(person)
    return count


def events_about_name(name: str) -> "dict[str, QuerySet[Event]]":
    """The same for somebody whose row is gone, by a user name or an address of theirs; raises StillNeeded
    where somebody has that name now."""
    if Mailbox.objects.filter(address=name).exists() or Person.objects.filter(username=name).exists():
        raise StillNeeded
    told = Event.objects.filter(subject=name)
    mailboxes = told.filter(subject_kind=Mailbox._meta.label_lower).values_list("subject_id", flat=True)
    groups = erasing.about_person(
        0, [number for number in mailboxes.distinct() if number is not None], [name]
    )
    return {**groups, "who": Event.objects.filter(by_name=name, who_digest="")}


@transaction.atomic
def erase_name(name: str, reason: str, *, by: Actor | None) -> int:
    """Forget in the chain somebody whose row is gone: how many fields' groups. Raises StillNeeded."""
    return erasing.erase(events_about_name(name), by=by, about=Person(pk=0), reason=reason)


@transaction.atomic
def forget_person(person: Person) -> bool:
    """Somebody whose only mailbox is gone for good, with sessions, devices, factors and all else of theirs.

    Whoever has a mailbox or a task yet stays. What the audit tells of them has a time of its own.
    """
    if person.is_operator or person.is_support or person.domains.exists() or person.mailboxes.exists():
        return False
    second_factors.forget_all(person)
    person.delete()
    return True
