"""What the portal knows about a person: as a file for them, and how it is erased."""

import json
import secrets
from collections.abc import Iterator
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts import second_factors
from accounts.models import Mailbox, Person
from accounts.requests import person_of
from accounts.stepping_up import ask_to_step_up, has_stepped_up, steps_up
from audit import erasing
from audit.chain import Actor, record
from audit.models import Event

# Never in a file, not even for the one they belong to.
SECRET = {"password", "password_hash", "selector"}

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
        for relation in Mailbox._meta.related_objects:
            model: Any = relation.related_model
            if model._meta.app_label in ("vacation", "quotas") or model._meta.model_name in PARTS:
                for row in model._default_manager.filter(**{relation.field.name: mailbox}):
                    yield _line(model._meta.model_name, _fields(row))
    for device in second_factors.devices_of(person):
        yield _line(
            "second factor", {name: getattr(device, name) for name in ("name", "created_at", "last_used_at")}
        )
    groups = events_about(person)
    for event in (groups["who"] | groups["what"]).order_by("number").iterator(chunk_size=1000):
        yield _line("event", _fields(event))


def events_about(person: Person) -> "dict[str, QuerySet[Event]]":
    """By group of fields, who and what: the events that hold something personal of them."""
    mailboxes = dict(Mailbox.objects.filter(owner=person).values_list("pk", "address"))
    return erasing.about_person(person.pk, list(mailboxes), [person.username, *mailboxes.values()])


def _fields(row: Any) -> dict[str, Any]:
    hidden = SECRET | {"who_salt", "what_salt"}
    fields = {
        f.attname: getattr(row, f.attname) for f in row._meta.concrete_fields if f.attname not in hidden
    }
    if isinstance(row, Event):
        del fields["id"], fields["previous_hash"]
    return {name: value for name, value in fields.items() if "token" not in name}


def _line(kind: str, fields: dict[str, Any]) -> str:
    return json.dumps({"kind": kind, **fields}, ensure_ascii=False, default=str) + "\n"


@require_POST
@steps_up
def download_own_data(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    """Their own, and nobody else's; that they took it is an event."""
    if not has_stepped_up(request):
        return ask_to_step_up(request)
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
