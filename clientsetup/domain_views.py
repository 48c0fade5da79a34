"""What a domain's DNS should say, for its webmasters."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.models import Domain
from accounts.requests import person_of
from clientsetup.dns_records import Found, look_up, records_for
from clientsetup.instructions import instructions_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def show_records(request: HttpRequest, name: str) -> HttpResponse:
    """POST looks them up: that may take seconds."""
    domain = get_object_or_404(Domain.objects.open_to(person_of(request)).select_related("server"), name=name)
    told = instructions_of(domain.server)
    records = records_for(told)
    looked = request.method == "POST"
    rows = look_up(domain.name, records) if looked else [Found(record, "") for record in records]
    context = {
        "domain": domain,
        "told": told,
        "rows": rows,
        "looked": looked,
        "unreachable": looked and rows[0].state == "unknown",
        "all_right": looked and all(row.state == "right" for row in rows),
    }
    return render(request, "clientsetup/show_records.html", context)
