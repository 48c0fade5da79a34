"""Passkeys and security keys (WebAuthn): devices of django-otp-webauthn, on pages of our own.

A ceremony has two halves. The first hands the browser a challenge, which stays in the session; the second
looks at what the browser's authenticator signed. Where the portal is reached is from its settings, never from
the request: a page elsewhere that passes a ceremony on is found out.
"""

import hashlib
import json
import time
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django_otp_webauthn.exceptions import OTPWebAuthnApiError
from django_otp_webauthn.helpers import WebAuthnHelper
from django_otp_webauthn.models import WebAuthnCredential
from webauthn import base64url_to_bytes, verify_authentication_response
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException

from accounts import app_password_rule, notices, throttling
from accounts.factor_changes import follow_factor_change
from accounts.models import Person
from audit.chain import record
from audit.models import Event
from mailservers.one_line import require_one_line

# What is in the session between the halves.
BEING_ADDED, BEING_USED, SIGNING_IN = "passkey_being_added", "passkey_being_used", "passkey_signing_in"
STATE_SECONDS = 10 * 60
LONGEST_ANSWER = 20_000
MOST = 20
# What a browser may send instead of an answer: wrong signatures, and anything at all.
REFUSALS = (WebAuthnException, OTPWebAuthnApiError, ValueError, TypeError, KeyError, AttributeError)


class NotAccepted(Exception):
    """A sentence for the person who tried."""


class _Copied(Exception):
    """Rightly signed, but the authenticator's counter went back: there are two of them."""


def why_not_here(request: HttpRequest) -> str:
    """A sentence; "" where passkeys work: at the portal's own address, by name and over TLS."""
    if not settings.PASSKEY_ORIGIN:
        return _("This portal is reached by a number instead of a name: passkeys can't be used.")
    if f"{request.scheme}://{request.get_host()}" != settings.PASSKEY_ORIGIN:
        return _("Passkeys work at %(address)s only.") % {"address": settings.PASSKEY_ORIGIN}
    return ""


def passkeys_of(person: Person) -> list[WebAuthnCredential]:
    return list(WebAuthnCredential.objects.filter(user=person, confirmed=True).order_by("pk"))


# --- adding


def begin_adding(request: HttpRequest, person: Person) -> dict[str, Any]:
    """What the browser's authenticator is asked for; raises NotAccepted."""
    _refuse_elsewhere(request)
    if len(passkeys_of(person)) >= MOST:
        raise NotAccepted(_("There are %(most)d passkeys already. Remove one first.") % {"most": MOST})
    options, state = _helper(request).register_begin(user=person)
    _keep(request, BEING_ADDED, state)
    return dict(options)


def finish_adding(request: HttpRequest, person: Person, answer: str, *, name: str) -> WebAuthnCredential:
    """From now on it is a second factor, and other sessions end; raises NotAccepted or ValidationError."""
    require_one_line(name)
    state = _taken(request, BEING_ADDED)
    try:
        with transaction.atomic():
            key: WebAuthnCredential = _helper(request).register_complete(person, state, _read(answer))
            key.name = name[:64]
            key.save(update_fields=["name"])
            record("person.second_factor_added", by=person, about=person, after={"name": key.name})
            notices.tell(person, "second-factor", by=person, detail=key.name)
            app_password_rule.follow_factor_added(person)
            follow_factor_change(person, keep=request.session.session_key)
    except IntegrityError:
        raise NotAccepted(_("This passkey is known already.")) from None
    except REFUSALS:
        raise NotAccepted(_("The passkey's answer was not right. Try again.")) from None
    return key


# --- using: as the second step of signing in, or to step up


def begin_using(request: HttpRequest, person: Person) -> dict[str, Any]:
    """What the browser's authenticator is asked for; raises NotAccepted."""
    _refuse_elsewhere(request)
    options, state = _helper(request).authenticate_begin(user=person, require_user_verification=False)
    _keep(request, BEING_USED, state)
    return dict(options)


def finish_using(request: HttpRequest, person: Person, answer: str) -> WebAuthnCredential:
    """The one that was used; raises NotAccepted, or TooManyTries."""
    this_try = throttling.begin_try(request, "code", person)
    key = _finish(request, BEING_USED, answer, person)
    this_try.was_right()
    return key


# --- signing in with nothing else: it proves to be there, and its owner's finger or PIN


def begin_signing_in(request: HttpRequest) -> dict[str, Any]:
    """For somebody whose name is not known yet; raises NotAccepted."""
    _refuse_elsewhere(request)
    options, state = _helper(request).authenticate_begin(user=None, require_user_verification=True)
    _keep(request, SIGNING_IN, state)
    # Nobody's yet: it is not kept as long as somebody's. Signing in takes that back.
    request.session.set_expiry(STATE_SECONDS)
    return dict(options)


def finish_signing_in(request: HttpRequest, answer: str) -> WebAuthnCredential:
    """Its user is not asked for here: whether they may sign in is. Raises NotAccepted, or TooManyTries."""
    # Nobody has a name yet: tries count for the network, and for what was sent.
    sent = hashlib.sha256(answer.encode("utf-8", "surrogatepass")).hexdigest()
    this_try = throttling.begin_try(request, "code", f"passkey {sent}")
    key = _finish(request, SIGNING_IN, answer, None)
    this_try.was_right()
    return key


def _finish(request: HttpRequest, what: str, answer: str, person: Person | None) -> WebAuthnCredential:
    state = _taken(request, what)
    try:
        key = _used(request, state, answer, person)
    except _Copied as copied:
        key = copied.args[0]
        with transaction.atomic():
            _note("person.passkey_copied", key.user, key.name)
            notices.tell(key.user, "passkey-copied", by=None, detail=key.name)
        raise NotAccepted(
            _(
                "The passkey “%(name)s” was refused: its counter went backwards, so there may be a copy of"
                " it. Sign in another way, remove it and tell your hoster."
            )
            % {"name": key.name}
        ) from None
    except REFUSALS:
        if person is not None:
            _note("person.passkey_refused", person, "")
        raise NotAccepted(_("This passkey is not one of yours, or its answer was not right.")) from None
    record("person.passkey_used", by=key.user, about=key.user, after={"name": key.name})
    return key


def _used(
    request: HttpRequest, state: dict[str, Any], answer: str, person: Person | None
) -> WebAuthnCredential:
    """Raises _Copied, or one of REFUSALS."""
    data = _read(answer)
    sent = parse_authentication_credential_json(data)
    helper = _helper(request)
    with transaction.atomic():
        # Locked: of two answers at the same time the counter of one is the older.
        mark = WebAuthnCredential.get_credential_id_sha256(sent.raw_id)
        rows = WebAuthnCredential.objects.select_for_update(of=("self",)).select_related("user")
        key = rows.filter(credential_id_sha256=mark, confirmed=True, user__is_active=True).first()
        if key is None or (person is not None and key.user_id != person.pk):
            raise ValueError(mark)
        try:
            helper.authenticate_complete(user=person, state=state, data=data)
        except WebAuthnException:
            if key.sign_count and _is_signed(helper, key, state, data):
                raise _Copied(key) from None
            raise
    key.refresh_from_db(fields=["sign_count", "last_used_at"])
    return key


def _is_signed(helper: WebAuthnHelper, key: WebAuthnCredential, state: dict[str, Any], data: Any) -> bool:
    """Whether everything but the counter is right."""
    try:
        verify_authentication_response(
            credential=data,
            credential_current_sign_count=0,
            credential_public_key=bytes(key.public_key),
            expected_challenge=base64url_to_bytes(state["challenge"]),
            expected_rp_id=helper.get_relying_party_domain(),
            expected_origin=helper.get_allowed_origins(),
            require_user_verification=state["require_user_verification"],
        )
    except REFUSALS:
        return False
    return True


def _note(verb: str, person: Person, name: str) -> None:
    record(verb, by=None, about=person, after={"name": name}, outcome=Event.Outcome.FAILED)


def _helper(request: HttpRequest) -> WebAuthnHelper:
    helper: WebAuthnHelper = WebAuthnCredential.get_webauthn_helper(request=request)
    return helper


def _refuse_elsewhere(request: HttpRequest) -> None:
    if problem := why_not_here(request):
        raise NotAccepted(problem)


def _keep(request: HttpRequest, what: str, state: dict[str, Any]) -> None:
    request.session[what] = {**state, "at": time.time()}


def _taken(request: HttpRequest, what: str) -> dict[str, Any]:
    """Gone from the session for good, whatever comes of it; raises NotAccepted."""
    state: dict[str, Any] | None = request.session.pop(what, None)
    request.session.save()
    if state is None or not 0 <= time.time() - state.pop("at") < STATE_SECONDS:
        raise NotAccepted(_("That took too long, or was done in another window. Try again."))
    return state


def _read(answer: str) -> dict[str, Any]:
    """Raises ValueError."""
    if len(answer) > LONGEST_ANSWER:
        raise ValueError(len(answer))
    try:
        data = json.loads(answer)
    except RecursionError:  # a few thousand brackets
        raise ValueError(len(answer)) from None
    if not isinstance(data, dict):
        raise ValueError(type(data))
    return data
