"""Signing in, domains, and what every mailbox has: its state and history."""

from django.contrib import auth
from django.contrib.auth.decorators import login_not_required
from django.db.models import Count, Exists, OuterRef, Prefetch, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import devices, passkeys, second_factors, sessions, stepping_up, throttling
from accounts.alias_leads import also_receives, led_to
from accounts.domain_list import rows_for
from accounts.drift import may_leave
from accounts.forms import CodeForm, SignInForm
from accounts.led_here import GONE
from accounts.mailbox_list import ORDERS, Narrowing, count_of, page_of, rows_of, servers_of
from accounts.models import SHOWN, Domain, Mailbox, RedirectAlarm
from accounts.paging import page_by_number
from accounts.places import COME_BACK_SECONDS
from accounts.requests import person_of
from accounts.switches import can_switch
from audit.chain import record
from audit.models import Event
from mailservers.drift import drifted_parts, left_parts, may_keep, unread_parts
from mailservers.models import Change, DriftCheck, Observation
from mailservers.servers import limits_of
from mailservers.standing import standing_of

# So many are shown above the list of domains.
ALARMS = 5
SHOWN_REQUESTS = 10
SHOWN_AWAITED = 5
READ_AND_WRITE = ["GET", "HEAD", "POST"]


@login_not_required
@never_cache
@sensitive_post_parameters()
@require_http_methods(READ_AND_WRITE)
def sign_in(request: HttpRequest) -> HttpResponse:
    if request.user.is_authenticated:
        return redirect("home")
    form = SignInForm(request, request.POST or None)
    if form.is_valid() and form.person:
        sessions.sign_in(request, form.person)
        response: HttpResponse = redirect(sessions.wanted_page(request))
        # With a second factor the browser is not known before that.
        if not sessions.second_factor_is_due(request):
            devices.remember_device(request, response, form.person)
        return response
    context = {
        "form": form,
        "next": request.GET.get("next", ""),
        "unsaved": "unsaved" in request.GET,
        "why_not": passkeys.why_not_here(request),
    }
    page = render(request, "accounts/sign_in.html", context, status=503 if form.is_busy else 200)
    if form.is_busy:
        page["Retry-After"] = str(COME_BACK_SECONDS)
    return page


@never_cache
@sensitive_post_parameters()
@require_http_methods(READ_AND_WRITE)
def enter_code(request: HttpRequest) -> HttpResponse:
    if not sessions.owes_code(request):
        return redirect("home")
    answer = request.POST.get("passkey", "")
    form = CodeForm(None if answer else request.POST or None)
    passkey_problem = _problem_with_passkey(request, answer) if answer else ""
    code_problem = _problem_with_code(request, form.cleaned_data["code"]) if form.is_valid() else ""
    if (answer and not passkey_problem) or (form.is_valid() and not code_problem):
        response = redirect(sessions.wanted_page(request))
        devices.remember_device(request, response, person_of(request))
        return response
    if code_problem:
        form.add_error("code", code_problem)
    has_app, has_passkey = second_factors.kinds_of(person_of(request))
    if not has_app:
        form.fields["code"].help_text = _("Each of them works once.")
    context = {
        "form": form,
        "has_app": has_app,
        "has_passkey": has_passkey,
        "passkey_problem": passkey_problem,
        "why_not": passkeys.why_not_here(request),
    }
    return render(request, "accounts/enter_code.html", context)


def _problem_with_passkey(request: HttpRequest, answer: str) -> str:
    """A sentence; "" when it was right, and signing in is finished."""
    try:
        key = passkeys.finish_using(request, person_of(request), answer)
    except throttling.TooManyTries as wait:
        return stepping_up.too_many(wait)
    except passkeys.NotAccepted as refusal:
        return str(refusal)
    sessions.accept_device(request, key)
    return ""


def _problem_with_code(request: HttpRequest, code: str) -> str:
    """A sentence; "" when it was right, and signing in is finished."""
    try:
        this_try = throttling.begin_try(request, "code", person_of(request))
    except throttling.TooManyTries as wait:
        return stepping_up.too_many(wait)
    if not sessions.accept_code(request, code):
        person = person_of(request)
        record("person.code_failed", by=None, about=person, outcome=Event.Outcome.FAILED)
        return _("This code is not right, or no longer. Wait for the next one and try again.")
    this_try.was_right()
    return ""


@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    record("person.signed_out", by=person, about=person)
    auth.logout(request)
    response = redirect("accounts:sign-in")
    # The pages seen until now are not behind the browser's Back button any more.
    response["Clear-Site-Data"] = '"cache", "storage"'
    return response


@require_safe
def list_domains(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    rows = rows_for(person)
    alarm_count = sum(row.alarms for row in rows)
    alarms = RedirectAlarm.objects.open_to(person).select_related("mailbox", "alias").order_by("-pk")
    wanting_room = [(row, row.wanting_room) for row in rows if row.wanting_room]
    context = {
        "domains": rows,
        "quota_requests": wanting_room[:SHOWN_REQUESTS],
        "more_quota_requests": len(wanting_room[SHOWN_REQUESTS:]),
        "awaited_domains": [row for row in rows if row.wanting_approval][:SHOWN_AWAITED],
        "alarms": list(alarms[:ALARMS]) if alarm_count else [],
        "more_alarms": max(0, alarm_count - ALARMS),
    }
    return render(request, "accounts/list_domains.html", context)


@require_safe
def list_mailboxes(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    visible = Domain.objects.open_to(person).select_related("server").with_spread()
    if person.gives_room:
        asking = Mailbox.objects.alive().filter(domain=OuterRef("pk"), quota_requests__state="waiting")
        counted = asking.order_by().values("domain").annotate(count=Count("pk")).values("count")
        visible = visible.annotate(asking_count=Subquery(counted))
    domain = get_object_or_404(visible, name=name)
    asking_here = getattr(domain, "asking_count", None)
    narrowing = Narrowing.from_query(request.GET)
    found = narrowing.narrow(Mailbox.objects.alive().filter(domain=domain))
    after, before = request.GET.get("after", ""), request.GET.get("before", "")
    page = page_of(found, narrowing.sort, after=after, before=before)
    count, are_more = count_of(found, page)
    context = {
        "domain": domain,
        "quota_requests": [(domain, asking_here)] if asking_here else [],
        "page": page,
        "narrowing": narrowing,
        "chips": narrowing.chips(request.path),
        "ways_to_show": [(name, words) for name, (words, _condition) in SHOWN.items()],
        "servers": servers_of(domain) if getattr(domain, "is_spread", False) else [],
        "ways_to_sort": [(name, order.words) for name, order in ORDERS.items()],
        # Who sees it and is no staff is one of its webmasters.
        "administered": person.is_operator
        or not person.is_support
        or Domain.objects.administered_by(person).filter(pk=domain.pk).exists(),
        "found_count": count,
        "are_more": are_more,
        "rows": rows_of(page.rows, [domain.server]),
    }
    return render(request, "accounts/list_mailboxes.html", context)


@require_safe
def show_mailbox(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    newest = Observation.objects.filter(mailbox=OuterRef("pk")).order_by("-seen_at")
    mailboxes = (
        Mailbox.objects.open_to(person)
        .with_rights_of(person)
        .annotate(
            checked_at=Subquery(newest.values("seen_at")[:1]),
            has_drift=Exists(Observation.objects.filter(mailbox=OuterRef("pk"), drifted_since__isnull=False)),
            has_unread=Exists(Observation.objects.unread().filter(mailbox=OuterRef("pk"))),
            has_left=Exists(Observation.objects.filter(mailbox=OuterRef("pk"), left_at__isnull=False)),
            led_here=led_to(),
            is_compared=Exists(DriftCheck.objects.unfinished().filter(mailbox=OuterRef("pk"))),
            has_alarm=Exists(RedirectAlarm.objects.open().filter(mailbox=OuterRef("pk"))),
        )
    )
    mailbox = get_object_or_404(
        mailboxes.select_related("domain__mail_rules", "server", "auto_reply", "usage", "forwarding"),
        address=address,
    )
    alarms = []
    if mailbox.told("has_alarm"):
        rules = RedirectAlarm.objects.open().filter(mailbox=mailbox, kind__in=("redirect", GONE))
        alarms = list(rules.order_by("-pk"))
    drifted = drifted_parts(mailbox) if mailbox.told("has_drift") else []
    changes = Change.objects.newest_of_features(mailbox)
    script = [change for change in changes if change.aspect == "script"]
    context = {
        "mailbox": mailbox,
        "drifted": drifted,
        "settleable": [
            part.aspect
            for part in drifted
            if mailbox.told("is_quota_changeable" if part.aspect == "account" else "is_changeable")
        ],
        "leavable": [
            part.aspect for part in drifted if may_leave(part, bool(mailbox.told("is_administered")))
        ],
        "unread": unread_parts(mailbox) if mailbox.told("has_unread") else [],
        "left": left_parts(mailbox) if mailbox.told("has_left") else [],
        "keepable": [part.aspect for part in drifted if may_keep(part, person)],
        "checked_at": getattr(mailbox, "checked_at", None),
        "comparing": bool(mailbox.told("is_compared")),
        "alarms": [alarm for alarm in alarms if alarm.kind != GONE],
        "gone": [alarm for alarm in alarms if alarm.kind == GONE],
        "changes": {change.aspect: change for change in changes},
        "reply": standing_of(script, "auto_reply"),
        "forward": standing_of(script, "forwarding"),
        "differs": any(part.aspect == "script" for part in drifted),
        "also_receives": also_receives(mailbox, person),
        "changeable": bool(mailbox.told("is_changeable")),
        "administered": bool(mailbox.told("is_administered")),
        # Asked only where the page would offer it.
        "can_stop_sending": bool(mailbox.frozen_at) and can_switch("sends", limits_of(mailbox.server)),
    }
    return render(request, "accounts/show_mailbox.html", context)


@require_safe
def show_history(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    visible = Mailbox.objects.open_to(person).with_rights_of(person)
    mailbox = get_object_or_404(visible.select_related("domain__mail_rules", "server"), address=address)
    changes = Change.objects.select_related("server").with_way_back()
    events = Event.objects.filter(
        subject_kind=mailbox._meta.label_lower, subject_id=mailbox.pk
    ).prefetch_related(Prefetch("change", changes))
    is_theirs = mailbox.owner_id == person.pk
    # To them it is told by roles.
    page = page_by_number(
        events.select_related("by") if is_theirs else events, before=request.GET.get("before", "")
    )
    for event in page.rows:
        if change := getattr(event, "change", None):
            # Whether it can be taken back is asked of its mailbox, which is known here.
            change.mailbox = mailbox
    context = {
        "mailbox": mailbox,
        "is_theirs": is_theirs,
        "page": page,
        "changeable": bool(mailbox.told("is_changeable")),
    }
    return render(request, "accounts/show_history.html", context)
