"""Before something that a forgotten or stolen session must not do: who it is, once more.

Who has a second factor shows that, by a code, a recovery code or a passkey; others give their password.

    @step_up_required
    def remove_authenticator(request): ...

or, where it depends on what was typed, or on what is found:

    @steps_up
    def edit_forwarding(request): ...
        if leads_outside and not has_stepped_up(request):
            return ask_to_step_up(request)

What hands out access, or sends people or mail elsewhere, asks: tests/portal/test_step_up_table.py holds the
list of all addresses that take a POST.

Afterwards it is not asked again in this session for `LASTS`. What was typed into a form goes along, hidden,
and is sent once more with the proof, except files and fields named like passwords: a form with such a field
proves enough by itself.
"""

import time
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters

from accounts import passkeys, second_factors, throttling
from accounts.backends import is_password_of
from accounts.models import Person
from accounts.next_page import is_ours
from accounts.requests import person_of
from audit.chain import record
from audit.models import Event
from mailservers.signing_in import CannotAsk

LASTS = timedelta(minutes=10)
# In the session: when it was, in seconds since the epoch.
STEPPED_UP_AT = "stepped_up_at"
PROOF, PASSKEY = "step_up_proof", "step_up_passkey"
BACK = "step_up_back"
NOT_KEPT = {PROOF, PASSKEY, BACK, "step_up_name", "csrfmiddlewaretoken"}

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer", bound=HttpResponseBase)


def step_up_required(
    view: Callable[Concatenate[HttpRequest, Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponse]:
    """A decorator: the view runs for people who have stepped up; others are asked to first."""

    @wraps(view)
    def stepped_up(
        request: HttpRequest, /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> HttpResponse:
        if has_stepped_up(request):
            return view(request, *args, **kwargs)
        return ask_to_step_up(request)

    return steps_up(stepped_up)


def steps_up(view: Callable[Arguments, Answer]) -> Callable[Arguments, Answer]:
    """A decorator: the view asks by itself. The proof stays out of reports of errors."""
    guarded = sensitive_post_parameters(PROOF)(view)
    guarded.steps_up = True  # type: ignore[attr-defined]
    return guarded


def has_stepped_up(request: HttpRequest) -> bool:
    """Whether the password or a code was given again a little while ago, or comes along with this request."""
    age = time.time() - float(request.session.get(STEPPED_UP_AT, 0.0))
    return 0 <= age < LASTS.total_seconds() or _proves(request)


def ask_to_step_up(request: HttpRequest, *, wanted: str = "", back: str = "") -> HttpResponse:
    """The page that asks. It leads back to where the request went, with everything that was typed.

    `wanted`: the page it leads to instead. `back`: for a file, the page to be on once it is there.
    """
    has_app, has_passkey = second_factors.kinds_of(person_of(request))
    context = {
        "kept": [] if wanted else _typed(request),
        "back": back,
        "has_factor": has_app or has_passkey,
        "is_form": request.method == "POST" and not wanted,
        "loses_file": bool(request.FILES) and not wanted,
        "wanted": wanted or request.get_full_path(),
        "problem": getattr(request, "step_up_problem", ""),
        "has_codes": has_app,
        "has_passkey": has_passkey,
        "passkey_problem": getattr(request, "step_up_passkey_problem", ""),
        "why_not": passkeys.why_not_here(request),
    }
    return render(request, "accounts/step_up.html", context)


def file_after_step_up(request: HttpRequest, *, wanted: str = "") -> HttpResponse | None:
    """After a step-up, a page that fetches the file: a browser that gets one stays on the page that asked.

    None when nothing was asked just now: the file itself is the answer. `wanted`: where it is, if not here.
    """
    back = request.POST.get(BACK, "")
    if not is_ours(back):
        return None
    context = {"back": back, "wanted": wanted, "kept": _typed(request)}
    return render(request, "accounts/file_after_step_up.html", context)


def _typed(request: HttpRequest) -> list[tuple[str, str]]:
    """What came along, without secrets."""
    return [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in NOT_KEPT and "password" not in name
    ]


def note_step_up(request: HttpRequest) -> None:
    """The person has just proved to be there: with a code, say."""
    request.session[STEPPED_UP_AT] = time.time()
    request.session.cycle_key()


def has_shown_factor(request: HttpRequest) -> bool:
    """For pages that ask for the present password by themselves: who has a second factor shows that too."""
    return not second_factors.has_device(person_of(request)) or has_stepped_up(request)


def note_password(request: HttpRequest) -> None:
    """The person has just given the present password: all that who has no second factor has."""
    if second_factors.has_device(person_of(request)):
        request.session.cycle_key()
    else:
        note_step_up(request)


def _proves(request: HttpRequest) -> bool:
    """Whether a right password or code came along; why not is kept for the page that asks again."""
    if request.method != "POST" or PROOF not in request.POST:
        return False
    person, typed, answer = person_of(request), request.POST[PROOF], request.POST.get(PASSKEY, "")
    if answer:
        # Looked at once: the challenge is used up.
        problem = request.step_up_passkey_problem = _problem_with_passkey(request, person, answer)  # type: ignore[attr-defined]
    else:
        problem = request.step_up_problem = _problem_with(request, person, typed)  # type: ignore[attr-defined]
    if problem:
        return False
    note_step_up(request)
    record("person.stepped_up", by=person, about=person)
    return True


def _problem_with_passkey(request: HttpRequest, person: Person, answer: str) -> str:
    """A sentence; "" when it is right."""
    try:
        passkeys.finish_using(request, person, answer)
    except throttling.TooManyTries as wait:
        return too_many(wait)
    except passkeys.NotAccepted as refusal:
        return str(refusal)
    return ""


def _problem_with(request: HttpRequest, person: Person, typed: str) -> str:
    """A sentence; "" when it is right. Who has a second factor shows that: a password alone may be stolen."""
    has_factor = second_factors.has_device(person)
    if not typed.strip():
        return _("Type a code.") if has_factor else _("Type your password.")
    try:
        this_try = throttling.begin_try(request, "code" if has_factor else "password", person)
    except throttling.TooManyTries as wait:
        return too_many(wait)
    if has_factor:
        right = second_factors.device_for_code(person, typed) is not None
    else:
        try:
            right = is_password_of(person, typed)
        except CannotAsk:
            this_try.was_right()
            return _("The mail server that knows your password cannot be reached. Try again in a while.")
    if not right:
        record("person.step_up_failed", by=person, about=person, outcome=Event.Outcome.FAILED)
        if has_factor:
            return _("This code is not valid now. Each works once: wait for the next one.")
        return _("This is not your password.")
    this_try.was_right()
    return ""


def too_many(wait: throttling.TooManyTries) -> str:
    return ngettext(
        "Too many tries. Try again in a minute.",
        "Too many tries. Try again in %(minutes)d minutes.",
        wait.minutes,
    ) % {"minutes": wait.minutes}
