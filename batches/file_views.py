"""Files of mailboxes: uploaded ones become plans; templates, exports, and rows to mend are downloaded."""

from collections.abc import Iterable, Iterator, Sequence

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.mailbox_list import Narrowing
from accounts.models import Domain, Mailbox
from accounts.requests import person_of
from accounts.spreadsheets import CSV, XLSX, as_csv, as_xlsx
from accounts.stepping_up import ask_to_step_up, file_after_step_up, has_stepped_up, steps_up
from audit.chain import record
from batches import exporting, services
from batches.columns import COLUMNS
from batches.forms import UploadForm
from batches.models import Batch
from batches.planning import plan_table
from batches.reading import LARGEST_FILE
from batches.sheet_process import MOST_ROWS

FORMATS = ("csv", "xlsx")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: HttpRequest, name: str) -> HttpResponse:
    person = person_of(request)
    domain = get_object_or_404(Domain.objects.administered_by(person).select_related("server"), name=name)
    posted = request.method == "POST"
    form = UploadForm(request.POST, request.FILES, domain=domain) if posted else UploadForm(domain=domain)
    if posted and form.is_valid():
        # The plan is made and kept at one moment of the database.
        with transaction.atomic():
            rows = plan_table(form.table, domain, by=person, template=form.cleaned_data.get("template"))
            batch = services.keep_plan(
                domain,
                rows,
                by=person,
                source=Batch.Source.FILE,
                title=(form.cleaned_data["file"].name or _("a file"))[:200],
                notes=form.table.notes,
                columns=form.table.titles,
                sends_links=form.cleaned_data["sends_links"],
            )
        return redirect("batches:show-batch", batch.pk)
    context = {
        "domain": domain,
        "form": form,
        "columns": COLUMNS,
        "most_rows": number_format(MOST_ROWS, force_grouping=True),
        "largest_mb": LARGEST_FILE // 1024 // 1024,
    }
    return render(request, "batches/upload.html", context)


@require_safe
def download_template(request: HttpRequest, name: str) -> HttpResponseBase:
    domain = get_object_or_404(Domain.objects.administered_by(person_of(request)), name=name)
    titles, rows = exporting.template(domain)
    return _file(_format(request.GET.get("format", "xlsx")), "mailboxes-template", titles, rows)


@require_POST
@steps_up
def export(request: HttpRequest, name: str) -> HttpResponseBase:
    """What the list shows, as a table that can be changed and given back; that it was taken is an event."""
    person = person_of(request)
    domain = get_object_or_404(Domain.objects.open_to(person), name=name)
    narrowing = Narrowing.from_query(request.POST)
    if not has_stepped_up(request):
        return ask_to_step_up(request, back=narrowing.url(reverse("accounts:list-mailboxes", args=[name])))
    if fetching := file_after_step_up(request):
        return fetching
    kind = _format(request.POST.get("format", ""))
    mailboxes = narrowing.narrow(Mailbox.objects.alive().filter(domain=domain))
    if kind == "xlsx" and mailboxes.count() > exporting.MOST_IN_XLSX:
        kind = "csv"
    told = {"filter": narrowing.told()}
    record("mailboxes.exported", by=person, about=domain, domain=domain.name, after=told | {"format": kind})
    return _file(kind, domain.name, exporting.titles(), exporting.rows_of(mailboxes))


@require_safe
def download_not_done(request: HttpRequest, number: int) -> HttpResponseBase:
    """The rows that could not be done, to be mended and uploaded again."""
    batch = get_object_or_404(Batch.objects.open_to(person_of(request)), pk=number)
    if not has_stepped_up(request):
        return ask_to_step_up(request, back=reverse("batches:show-batch", args=[number]))
    titles, rows = exporting.not_done(batch)
    return _file(_format(request.GET.get("format", "csv")), "rows-to-mend", titles, rows)


def _format(kind: str) -> str:
    if kind not in FORMATS:
        raise Http404
    return kind


def _file(kind: str, name: str, titles: Sequence[str], rows: Iterable[Sequence[str]]) -> HttpResponseBase:
    answer: HttpResponseBase
    if kind == "xlsx":
        answer = HttpResponse(as_xlsx(titles, rows), content_type=XLSX)
    else:
        # Spreadsheets of people who write 1,5 take a comma for a part of the number.
        separator = "," if (get_language() or "en").startswith("en") else ";"
        lines = _in_their_language(as_csv(titles, rows, separator=separator))
        answer = StreamingHttpResponse(lines, content_type=CSV)
    answer["Content-Disposition"] = f'attachment; filename="{name}-{timezone.localdate():%Y-%m-%d}.{kind}"'
    answer["Cache-Control"] = "no-store"
    return answer


def _in_their_language(lines: Iterator[str]) -> Iterator[str]:
    """They are written after the request is over, when nobody's language is spoken any more."""
    language = get_language() or "en"

    def written() -> Iterator[str]:
        with translation.override(language):
            yield from lines

    return written()
