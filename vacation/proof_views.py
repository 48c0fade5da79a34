"""“Prove it”: a test mail through the real path, and its steps as they come."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.models import Mailbox
from accounts.requests import person_of
from vacation import proofs
from vacation.models import Proof, SettingRequest


@require_POST
def prove(request: HttpRequest, address: str) -> HttpResponse:
    person = person_of(request)
    mine = Mailbox.objects.changeable_by(person).select_related("domain", "server")
    mailbox = get_object_or_404(mine, address=address)
    about = request.POST.get("about", "")
    if about not in SettingRequest.Setting.values:
        about = SettingRequest.Setting.AUTO_REPLY.value
    if proofs.is_possible():
        proofs.start(mailbox, about, by=person)
    else:
        messages.info(request, _("The portal has no address to test with. Its operators can give it one."))
    page = "edit-auto-reply" if about == SettingRequest.Setting.AUTO_REPLY else "edit-forwarding"
    return redirect(f"vacation:{page}", address)


@never_cache
@require_safe
def show_proof(request: HttpRequest, number: int) -> HttpResponse:
    """The steps so far; it asks again until it is finished."""
    mine = Proof.objects.filter(mailbox__in=Mailbox.objects.open_to(person_of(request)))
    return render(request, "vacation/_proof_steps.html", {"proof": get_object_or_404(mine, pk=number)})
