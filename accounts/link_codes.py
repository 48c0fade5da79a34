"""Codes of links that are mailed, shown or printed: behind a #, which browsers tell no server, nor its log.

The page that such a link opens has a form: a script (portal.js) puts the code into it, takes it out of the
address and sends it; without scripts people paste the link there. Sending the code only looks at what it is
for: programs that look at links beforehand do no harm. What it allows is done by a form with `PRESSED`.
"""

import re

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

PRESSED = "pressed"


def link_with(view: str, code: str) -> str:
    """The address to mail or to show; it begins with PORTAL_PUBLIC_URL, whatever host a request named."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{reverse(view)}#{code}"


def code_in(request: HttpRequest) -> str:
    """What was sent, also where the whole link was pasted; links made before these had it in the query."""
    sent = request.POST.get("code", "") or request.GET.get("code", "")
    return re.split("[#=/]", sent.strip().rstrip("/"))[-1]


def is_pressed(request: HttpRequest) -> bool:
    """Whether somebody saw what it is for and wants it."""
    return request.method == "POST" and PRESSED in request.POST


def ask_for_code(request: HttpRequest) -> HttpResponse:
    """The page that a link opens, before its code is there."""
    return render(request, "accounts/open_link.html")
