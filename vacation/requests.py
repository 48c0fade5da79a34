"""Requests for what a webmaster has to approve: waiting, then approved, refused, withdrawn or replaced.

What is approved is saved as if the webmaster had typed it: the same road, the same undo, and newest wins.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Mailbox, Person
from audit.chain import record
from mailservers import outbox
from vacation import forwarding, services
from vacation.models import AutoReply, Forwarding, SettingRequest
from vacation.telling import replace_request, tell_of_decision, tell_webmasters


class AlreadyDecided(Exception):
    """Somebody decided it meanwhile, or something newer took its place."""


@transaction.atomic
def ask(mailbox: Mailbox, setting: str, wanted: dict[str, Any], *, by: Person) -> SettingRequest:
    """Note what somebody wants; an older request of theirs for the same setting gives way."""
    Mailbox.objects.select_for_update().get(pk=mailbox.pk)
    replace_request(mailbox, setting)
    request = SettingRequest.objects.create(
        mailbox=mailbox, setting=setting, before=_now(mailbox, setting), wanted=wanted, asked_by=by
    )
    record(
        f"{setting}.requested",
        by=by,
        about=mailbox,
        domain=mailbox.domain.name,
        before=request.before,
        after=wanted,
    )
    tell_webmasters(request)
    return request


@transaction.atomic
def approve(request: SettingRequest, *, by: Person) -> None:
    """Save what was asked for, and push it; raises AlreadyDecided."""
    mailbox = request.mailbox
    Mailbox.objects.select_for_update().get(pk=mailbox.pk)
    _decide(request, SettingRequest.State.APPROVED, by)
    bring = services.apply if request.setting == SettingRequest.Setting.AUTO_REPLY else forwarding.bring_back
    entry = bring(mailbox, request.wanted)
    event = record(
        f"{request.setting}.approved",
        by=by,
        about=mailbox,
        domain=mailbox.domain.name,
        before=entry.before,
        after=entry.after,
    )
    outbox.request_push(mailbox, "script", event)
    tell_of_decision(request)


@transaction.atomic
def refuse(request: SettingRequest, reason: str, *, by: Person) -> None:
    """Nothing changes, and whoever asked is told why; raises AlreadyDecided."""
    request.reason = reason
    _decide(request, SettingRequest.State.REFUSED, by)
    record(
        f"{request.setting}.refused",
        by=by,
        about=request.mailbox,
        domain=request.mailbox.domain.name,
        after={"reason": reason},
    )
    tell_of_decision(request)


@transaction.atomic
def withdraw(request: SettingRequest, *, by: Person) -> None:
    """Raises AlreadyDecided."""
    _decide(request, SettingRequest.State.WITHDRAWN, by)
    record(
        f"{request.setting}.withdrawn",
        by=by,
        about=request.mailbox,
        domain=request.mailbox.domain.name,
    )


def waiting_for(mailbox: Mailbox, setting: str) -> SettingRequest | None:
    waiting = SettingRequest.objects.filter(state=SettingRequest.State.WAITING)
    return waiting.filter(mailbox=mailbox, setting=setting).first()


def _decide(request: SettingRequest, state: SettingRequest.State, by: Person) -> None:
    decided = SettingRequest.objects.filter(pk=request.pk, state=SettingRequest.State.WAITING).update(
        state=state, decided_by=by, decided_at=timezone.now(), reason=request.reason
    )
    if not decided:
        raise AlreadyDecided
    request.state = state


def _now(mailbox: Mailbox, setting: str) -> dict[str, Any]:
    if setting == SettingRequest.Setting.AUTO_REPLY:
        return AutoReply.of(mailbox).as_told()
    return Forwarding.of(mailbox).as_told()
