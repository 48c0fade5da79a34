"""The link *this was not me*, and the way back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import freezing, notices, stepping_up
from accounts.link_codes import ask_for_code, code_in, is_pressed
from accounts.models import Mailbox
from accounts.requests import person_of


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def say_not_me(request: HttpRequest) -> HttpResponse:
    """Shows what it is about; a press of the button does it: programs that look at links press none."""
    code, done = code_in(request), is_pressed(request)
    if not code and request.method != "POST":
        return ask_for_code(request)
    notice = notices.find_notice(code)
    if notice is None or (done and not freezing.say_not_me(notice)):
        return render(request, "accounts/notice_is_over.html", status=404)
    context = {
        "password_link": freezing.link_for_reader(notice) if done else "",
        "notice": notice,
        "sentence": notices.sentence_of(notice),
        "code": code,
        "done": done,
    }
    return render(request, "accounts/not_me.html", context)


@require_POST
@stepping_up.steps_up
def unfreeze(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    mine = Mailbox.objects.administered_by(person).alive()
    mailbox = get_object_or_404(mine, address=address)
    if not stepping_up.has_stepped_up(request):
        return stepping_up.ask_to_step_up(request)
    freezing.unfreeze(mailbox, by=person)
    messages.success(request, _("Mail is forwarded again as soon as the mail server has the change."))
    return redirect("accounts:show-mailbox", address)
