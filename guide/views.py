"""Help, also for those who can't sign in."""

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import Mailbox, Person
from clientsetup.instructions import instructions_for
from guide.pages import LONGEST_SEARCH, pages, search

# They tell the reader's own settings, for those who signed in and have one mailbox.
WITH_OWN_SETTINGS = {"set-up", "webmail", "imap-or-pop"}


@login_not_required
@require_safe
def list_pages(request: HttpRequest) -> HttpResponse:
    sought = request.GET.get("q", "").strip()[:LONGEST_SEARCH]
    context = {"pages": pages().values(), "q": sought, "hits": search(sought)}
    return render(request, "guide/list_pages.html", context)


@login_not_required
@require_safe
def show_page(request: HttpRequest, name: str) -> HttpResponse:
    page = pages().get(name)
    if page is None:
        raise Http404
    mailbox = _own_mailbox(request) if name in WITH_OWN_SETTINGS else None
    others = [other for other in pages().values() if other is not page]
    told = instructions_for(mailbox) if mailbox else None
    context = {"page": page, "others": others, "mailbox": mailbox, "told": told}
    return render(request, "guide/show_page.html", context)


def _own_mailbox(request: HttpRequest) -> Mailbox | None:
    if not isinstance(request.user, Person):
        return None
    own = list(Mailbox.objects.owned_by(request.user).select_related("server")[:2])
    return own[0] if len(own) == 1 else None
