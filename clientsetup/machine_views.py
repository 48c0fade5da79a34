"""What mail programs ask for by themselves. Answers depend on the domain alone, never on an address."""

import json

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from clientsetup import autodiscover
from clientsetup.asking import asked_domain, domain_of, settings_for
from clientsetup.autoconfig import TYPED_ADDRESS, client_config

XML = "application/xml; charset=utf-8"


@login_not_required
@require_safe
def autoconfig(request: HttpRequest) -> HttpResponse:
    """Thunderbird's settings for the domain of ?emailaddress=, or of the host it came to.

    Only where the address will do as user name: there is no way to tell this program another one without
    telling everybody.
    """
    address = request.GET.get("emailaddress", "")
    names = [domain_of(address)] if address else [asked_domain(getattr(request, "asked_host", ""))]
    found = settings_for(*names)
    if found is None or not found[1].takes_addresses:
        return HttpResponse(
            "No settings for this domain are told here.\n",
            content_type="text/plain; charset=utf-8",
            status=404,
        )
    domain, told = found
    help_url = settings.PUBLIC_URL + reverse("guide:show-page", args=["set-up"])
    return HttpResponse(
        client_config(domain, told, user_name=TYPED_ADDRESS, help_url=help_url), content_type=XML
    )


@login_not_required
@csrf_exempt
@require_POST
def autodiscover_pox(request: HttpRequest) -> HttpResponse:
    """Outlook's settings for the domain of the address in the request's XML."""
    try:
        address = autodiscover.read_address(request.body)
        found = settings_for(domain_of(address))
        if found is None:
            raise autodiscover.BadRequest(autodiscover.NO_SETTINGS)
    except autodiscover.BadRequest as refused:
        status = 400 if refused.code == autodiscover.INVALID_REQUEST else 200
        return HttpResponse(
            autodiscover.refusal(refused.code, timezone.now()), content_type=XML, status=status
        )
    told = found[1]
    # Without a name Outlook asks for it.
    return HttpResponse(
        autodiscover.answer(told, user_name=address if told.takes_addresses else ""), content_type=XML
    )


@login_not_required
@require_safe
def autodiscover_json(request: HttpRequest, address: str = "") -> HttpResponse:
    """Autodiscover version 2: tells where version 1 answers, which is all it is for."""
    address = address or request.GET.get("email", "") or request.GET.get("Email", "")
    protocol = request.GET.get("Protocol", "") or request.GET.get("protocol", "")
    if settings_for(domain_of(address)) is None:
        return _trouble(404, "DomainNotFound", "No settings are known for this domain.")
    if protocol.casefold() != "autodiscoverv1":
        return _trouble(400, "InvalidProtocol", "The given protocol is invalid. Supported: AutodiscoverV1.")
    url = settings.PUBLIC_URL + reverse("clientsetup:autodiscover-pox")
    return JsonResponse({"Protocol": "AutodiscoverV1", "Url": url})


def _trouble(status: int, code: str, message: str) -> HttpResponse:
    body = json.dumps({"ErrorCode": code, "ErrorMessage": message})
    return HttpResponse(body, content_type="application/json", status=status)
