"""What mail programs are told of a server, filled in by operators."""

import ipaddress
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from accounts import sizes, stepping_up
from accounts.requests import person_of
from accounts.seen_values import SeenValues
from audit.chain import record
from clientsetup.asking import domain_name
from mailservers.models import Server
from mailservers.one_line import OneLineFormField

PROTOCOLS = ("imap", "pop3", "smtp")
TITLES = {
    "imap": gettext_lazy("Incoming mail: IMAP"),
    "pop3": gettext_lazy("Incoming mail: POP3"),
    "smtp": gettext_lazy("Outgoing mail: SMTP"),
}


class ServerForm(SeenValues, forms.ModelForm[Server]):
    """An empty host says that the server does not offer the protocol."""

    largest = OneLineFormField(label=gettext_lazy("Largest message"), max_length=30)
    webmail_url = forms.URLField(label=gettext_lazy("Webmail address"), required=False, assume_scheme="https")

    class Meta:
        model = Server
        fields = (
            *(f"{protocol}_{part}" for protocol in PROTOCOLS for part in ("host", "port", "security")),
            "takes_addresses",
            "webmail_url",
        )
        labels = {  # noqa: RUF012 - as Django's forms want it
            **{f"{protocol}_host": gettext_lazy("Server") for protocol in PROTOCOLS},
            **{f"{protocol}_port": gettext_lazy("Port") for protocol in PROTOCOLS},
            **{f"{protocol}_security": gettext_lazy("Security") for protocol in PROTOCOLS},
            "takes_addresses": gettext_lazy("People may sign in with their address as well"),
        }
        help_texts = {  # noqa: RUF012
            "takes_addresses": gettext_lazy(
                "If not, programs that set themselves up can't know the user name."
            ),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["largest"].initial = sizes.in_words(self.instance.largest_message_bytes)
        for protocol in PROTOCOLS:
            port = self.fields[f"{protocol}_port"]
            port.widget.attrs.update({"min": 1, "max": 65535})

    @property
    def parts(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """(title, its fields), for the page."""
        return [
            (TITLES[protocol], [self[f"{protocol}_{part}"] for part in ("host", "port", "security")])
            for protocol in PROTOCOLS
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for protocol in PROTOCOLS:
            self._check_host(f"{protocol}_host", given)
            port = given.get(f"{protocol}_port")
            if port is not None and not 0 < port < 65536:
                self.add_error(f"{protocol}_port", _("A port is a whole number from 1 to 65535."))
        return given

    def clean_largest(self) -> int:
        try:
            return sizes.parse(self.cleaned_data["largest"])
        except ValueError as mistake:
            raise ValidationError(str(mistake)) from None

    def _check_host(self, field: str, given: dict[str, Any]) -> None:
        host = given.get(field, "")
        if not host:
            return
        try:
            ipaddress.ip_address(host)
        except ValueError:
            name = domain_name(host) if host != "localhost" else host
            if name is None:
                self.add_error(field, _("This is no name of a server, such as mail.example.org."))
            else:
                given[field] = name


@require_http_methods(["GET", "HEAD", "POST"])
@stepping_up.steps_up
@transaction.atomic
def edit_server(request: HttpRequest, server: str) -> HttpResponse:
    person = person_of(request)
    if not person.is_operator:
        raise Http404
    # Until it is saved: who saves at the same moment waits, and is then told.
    rows = Server.objects.select_for_update(no_key=True) if request.method == "POST" else Server.objects
    row = get_object_or_404(rows, name=server)
    before = _told(row)
    form = ServerForm(request.POST if request.method == "POST" else None, instance=row)
    if form.is_valid():
        # Where programs send passwords.
        if not stepping_up.has_stepped_up(request):
            return stepping_up.ask_to_step_up(request)
        changed = form.save(commit=False)
        changed.largest_message_bytes = form.cleaned_data["largest"]
        # Only these: the workers write to other columns meanwhile.
        changed.save(update_fields=[*ServerForm.Meta.fields, "largest_message_bytes"])
        record("server.set_up_told", by=person, about=row, before=before, after=_told(changed))
        messages.success(request, _("Saved. The set-up cards tell it from now on."))
        return redirect(request.path)
    return render(request, "clientsetup/edit_server.html", {"server": row, "form": form})


def _told(server: Server) -> dict[str, Any]:
    return {field: getattr(server, field) for field in (*ServerForm.Meta.fields, "largest_message_bytes")}
