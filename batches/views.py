"""Plans for many mailboxes: the list of a domain's, one with its rows, and what can be done about it."""

from django.conf import settings
from django.contrib import messages
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.mailbox_list import COUNTED, Narrowing
from accounts.models import Domain, Mailbox, MailboxQuerySet, Person
from accounts.paging import ROWS, Page, page_by_id
from accounts.qr import qr_picture
from accounts.requests import person_of
from accounts.sizes import in_words
from accounts.stepping_up import ask_to_step_up, has_stepped_up, steps_up
from batches import services
from batches.forms import ACTIONS, ChosenForm
from batches.models import TROUBLE, Batch, Row, RowQuerySet
from batches.planning import plan_chosen
from batches.sheet_process import MOST_ROWS
from batches.tasks import announce
from mailservers.models import Change

# In one page to print; each makes a link and a picture.
LETTERS = 50
# With what was wanted and what was seen since, which a badge tells.
THEIR_CHANGES = Prefetch("change", Change.objects.told_apart().select_related("server"))
# As many as no page shows.
MOST_TICKED = 500


@require_safe
def list_batches(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    domain = get_object_or_404(Domain.objects.open_to(person).select_related("server"), name=name)
    batches = Batch.objects.filter(domain=domain).select_related("made_by", "begun_by")
    context = {
        "domain": domain,
        "page": page_by_id(batches, before=request.GET.get("before", "")),
        "administered": Domain.objects.administered_by(person).filter(pk=domain.pk).exists(),
    }
    return render(request, "batches/list_batches.html", context)


@require_safe
def show_batch(request: HttpRequest, number: int) -> HttpResponse:
    person = person_of(request)
    batch = _batch(person, number)
    shown = request.GET.get("show", "")
    rows = batch.rows.showing(shown).select_related("mailbox").prefetch_related(THEIR_CHANGES)
    context = _context(person, batch) | {
        "page": _page(rows, after=request.GET.get("after", ""), before=request.GET.get("before", "")),
        "show": shown,
        "trouble": TROUBLE,
        "verdicts": Row.Verdict.choices,
    }
    return render(request, "batches/show_batch.html", context)


@never_cache
@require_safe
def show_progress(request: HttpRequest, number: int) -> HttpResponse:
    """The middle of the page alone; it asks again until there is nothing to wait for."""
    person = person_of(request)
    return render(request, "batches/_progress.html", _context(person, _batch(person, number)))


@require_POST
def choose(request: HttpRequest, name: str) -> HttpResponse:
    """A plan for mailboxes of the list: those ticked, those of its page, or all that the search found."""
    person = person_of(request)
    domain = get_object_or_404(Domain.objects.administered_by(person).select_related("server"), name=name)
    back = reverse("accounts:list-mailboxes", args=[name])
    form = ChosenForm(request.POST)
    narrowing = Narrowing.from_query(request.POST)
    if not form.is_valid():
        return _choose_again(request, domain, form, narrowing)
    back = narrowing.url(back)
    wanted = form.cleaned_data
    mailboxes = _chosen(request, domain, wanted["which"])
    rows_found = list(mailboxes.select_related("server").order_by("address")[: MOST_ROWS + 1])
    if not rows_found:
        messages.error(request, _("Tick the mailboxes first, or choose all of them."))
        return redirect(back)
    if len(rows_found) > MOST_ROWS:
        messages.error(request, _("These are too many for one go. Narrow the search."))
        return redirect(back)
    quota = wanted["quota_bytes"]
    rows = plan_chosen(rows_found, domain, action=wanted["action"], quota_bytes=quota, by=person)
    title = str(dict(ACTIONS)[wanted["action"]])
    if wanted["action"] == "quota":
        title = _("give them %(size)s of room") % {"size": in_words(quota)}
    batch = services.keep_plan(domain, rows, by=person, source=Batch.Source.LIST, title=title)
    return redirect("batches:show-batch", batch.pk)


@require_POST
@steps_up
def begin(request: HttpRequest, number: int) -> HttpResponse:
    """With new mailboxes, recovery addresses, links: it asks who it is once more, whatever is in the plan."""
    person = person_of(request)
    batch = _administered(person, number)
    if not has_stepped_up(request):
        return ask_to_step_up(request)
    try:
        services.begin(batch, by=person, announce=announce)
    except services.NotNow:
        messages.info(request, _("This cannot begin now: it runs already, or is done."))
    return redirect("batches:show-batch", number)


@require_POST
def stop(request: HttpRequest, number: int) -> HttpResponse:
    person = person_of(request)
    try:
        services.stop(_administered(person, number), by=person)
    except services.NotNow:
        messages.info(request, _("There is nothing to stop: it is done."))
    return redirect("batches:show-batch", number)


@require_POST
@steps_up
def undo(request: HttpRequest, number: int) -> HttpResponse:
    """As beginning it, once somebody has read what undoing does and says so."""
    person = person_of(request)
    batch = _administered(person, number)
    if "sure" not in request.POST and batch.state != Batch.State.UNDO_STOPPED:
        context = {"batch": batch, "tally": batch.tally, "days": settings.KEEP_DELETED_DAYS}
        return render(request, "batches/undo_batch.html", context)
    if not has_stepped_up(request):
        return ask_to_step_up(request)
    try:
        services.undo(batch, by=person, announce=announce)
    except services.NotNow:
        messages.info(request, _("This cannot be undone now."))
    return redirect("batches:show-batch", number)


@require_POST
def throw_away(request: HttpRequest, number: int) -> HttpResponse:
    person = person_of(request)
    batch = _administered(person, number)
    try:
        services.throw_away(batch, by=person)
    except services.NotNow:
        messages.info(request, _("It was begun already, so it is kept."))
        return redirect("batches:show-batch", number)
    messages.success(request, _("The plan is thrown away. Nothing was changed."))
    return redirect("batches:list-batches", batch.domain.name)


@never_cache
@require_POST
@steps_up
def print_letters(request: HttpRequest, number: int) -> HttpResponse:
    """Letters with one-time links for new mailboxes' users, some at a time; in this one answer only."""
    person = person_of(request)
    batch = _administered(person, number)
    if not has_stepped_up(request):
        return ask_to_step_up(request)
    after = request.POST.get("after", "")
    begins = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0
    waiting = batch.rows.without_password().filter(number__gt=begins).select_related("mailbox__domain")
    rows = list(waiting[: LETTERS + 1])
    mailboxes = [row.mailbox for row in rows[:LETTERS] if row.mailbox]
    links = services.make_letters(batch, mailboxes, by=person)
    context = {
        "batch": batch,
        "letters": [_letter(request, *pair) for pair in zip(mailboxes, links, strict=True)],
        "next_after": rows[LETTERS - 1].number if len(rows) > LETTERS else "",
    }
    return render(request, "batches/letters.html", context)


def _letter(request: HttpRequest, mailbox: Mailbox, link: str) -> SafeString:
    context = {"mailbox": mailbox, "link": link, "picture": qr_picture(link)}
    with translation.override(mailbox.language or mailbox.domain.language):
        return render_to_string("batches/_letter.html", context, request)


def _batch(person: Person, number: int) -> Batch:
    mine = Batch.objects.open_to(person).select_related("domain__server", "made_by", "begun_by", "undone_by")
    return get_object_or_404(mine, pk=number)


def _administered(person: Person, number: int) -> Batch:
    return get_object_or_404(Batch.objects.administered_by(person).select_related("domain"), pk=number)


def _context(person: Person, batch: Batch) -> dict[str, object]:
    return {
        "batch": batch,
        "tally": batch.tally,
        "administered": Batch.objects.administered_by(person).filter(pk=batch.pk).exists(),
    }


def _chosen(request: HttpRequest, domain: Domain, which: str) -> MailboxQuerySet:
    mailboxes = Mailbox.objects.alive().filter(domain=domain)
    if which == "all":
        return Narrowing.from_query(request.POST).narrow(mailboxes)
    ticked = request.POST.getlist("mailbox" if which == "ticked" else "on_page")
    return mailboxes.filter(address__in=ticked[:MOST_TICKED])


def _choose_again(
    request: HttpRequest, domain: Domain, form: ChosenForm, narrowing: Narrowing
) -> HttpResponse:
    """What was ticked and chosen stays; only what is wrong is asked for."""
    found = narrowing.narrow(Mailbox.objects.alive().filter(domain=domain))
    count = found.order_by()[: COUNTED + 1].count()
    context = {
        "domain": domain,
        "form": form,
        "errors": [error for errors in form.errors.values() for error in errors],
        "narrowing": narrowing,
        "ticked": request.POST.getlist("mailbox")[:MOST_TICKED],
        "on_page": request.POST.getlist("on_page")[:MOST_TICKED],
        "found_count": min(count, COUNTED),
        "are_more": count > COUNTED,
        "which": form.data.get("which", ""),
        "action": form.data.get("action", ""),
        "back": narrowing.url(reverse("accounts:list-mailboxes", args=[domain.name])),
    }
    return render(request, "batches/choose_again.html", context)


def _page(rows: RowQuerySet, *, after: str, before: str) -> Page[Row]:
    """By their numbers, in the order of the file."""
    found: list[Row]
    if before.isascii() and before.isdigit() and len(before) < 10:
        found = list(rows.filter(number__lt=int(before)).order_by("-number")[: ROWS + 1])
        shown, more_before, more_after = found[:ROWS][::-1], len(found) > ROWS, True
    else:
        begins = int(after) if after.isascii() and after.isdigit() and len(after) < 10 else 0
        found = list(rows.filter(number__gt=begins).order_by("number")[: ROWS + 1])
        shown, more_before, more_after = found[:ROWS], begins > 0, len(found) > ROWS
    return Page(
        shown,
        before=str(shown[0].number) if shown and more_before else "",
        after=str(shown[-1].number) if shown and more_after else "",
    )
