"""Whether the audit is whole, and what an outsider needs to check that."""

from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from audit import seals, triggers
from audit.models import Event, Seal, Verification
from support.rights import staff

SHOWN = 14
# The portal looks each night.
OVERDUE = timedelta(hours=36)


@require_safe
def show_chain(request: HttpRequest) -> HttpResponse:
    staff(request)
    looks = list(Verification.objects.all()[:SHOWN])
    newest = {kind: Seal.objects.filter(kind=kind).values("pk")[:SHOWN] for kind in ("checkpoint", "archive")}
    seals_shown = list(Seal.objects.filter(Q(pk__in=newest["checkpoint"]) | Q(pk__in=newest["archive"])))
    checkpoints = [(row, row.statement["events"]) for row in seals_shown if row.kind == "checkpoint"]
    by_number = Event.objects.values("number")
    ends = [Subquery(by_number.order_by(order)[:1]) for order in ("number", "-number")]
    events = list(Event.objects.filter(Q(number=ends[0]) | Q(number=ends[1])).order_by("number"))
    context = {
        "last": looks[0] if looks else None,
        "last_of_all": Verification.objects.filter(is_of_all=True).first(),
        "is_overdue": bool(looks) and looks[0].at < timezone.now() - OVERDUE,
        "looks": looks,
        "checkpoints": checkpoints,
        "key": checkpoints[0][0].key if checkpoints else "",
        "archives": [row for row in seals_shown if row.kind == "archive"],
        "is_unguarded": triggers.are_missing(connection),
        "newest": events[-1] if events else None,
        "oldest": events[0] if events else None,
        "keep_days": settings.AUDIT_KEEP_DAYS,
        "archives_itself": bool(settings.AUDIT_KEEP_DAYS and settings.AUDIT_ARCHIVE_DIRECTORY),
        "readers": settings.AUDIT_MAIL,
    }
    return render(request, "support/show_chain.html", context)


@require_safe
def download_checkpoint(request: HttpRequest, number: int) -> HttpResponse:
    """The signed statement as a file, for verify_audit --checkpoint and verify_export.py."""
    staff(request)
    sealed = seals.from_row(get_object_or_404(Seal, pk=number))
    answer = HttpResponse(seals.as_text(sealed) + "\n", content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="{seals.file_name(sealed)}"'
    return answer
