"""What people set for themselves: their language and time zone."""

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from accounts.languages import CODES, remember_language, time_zones
from accounts.models import Person
from accounts.next_page import is_ours
from accounts.requests import person_of
from audit.chain import record


class SettingsForm(forms.ModelForm[Person]):
    """Empty: what the domain, the browser or the portal says."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language"),
        required=False,
        choices=[("", gettext_lazy("of my domain, or of my browser")), *settings.LANGUAGES],
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"),
        required=False,
        help_text=gettext_lazy("Times on the pages and in forms are shown in it."),
    )

    class Meta:
        model = Person
        fields = ("language", "time_zone")

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["time_zone"]
        if isinstance(field, forms.ChoiceField):
            of_the_portal = gettext_lazy("of the portal (%(zone)s)") % {"zone": settings.TIME_ZONE}
            field.choices = [("", of_the_portal), *((name, name.replace("_", " ")) for name in time_zones())]


@require_http_methods(["GET", "HEAD", "POST"])
def edit_settings(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    before = _settings_of(person)
    form = SettingsForm(request.POST if request.method == "POST" else None, instance=person)
    if form.is_valid():
        save_settings(form.save(commit=False), before=before)
        with override(person.language or get_language()):
            messages.success(request, _("Saved."))
        response = redirect("accounts:edit-settings")
        # Else an older choice, made in this browser, would still come before the domain's.
        response.delete_cookie(settings.LANGUAGE_COOKIE_NAME)
        return response
    return render(request, "accounts/edit_settings.html", {"form": form})


@login_not_required
@require_POST
def choose_language(request: HttpRequest) -> HttpResponse:
    """From the foot of any page; for somebody who signed in it is kept for good."""
    wanted = request.POST.get("next", "")
    response = redirect(wanted if is_ours(wanted) else "home")
    language = request.POST.get("language", "")
    if language in CODES:
        if isinstance(request.user, Person):
            before = _settings_of(request.user)
            request.user.language = language
            save_settings(request.user, before=before)
        remember_language(response, language)
    return response


@transaction.atomic
def save_settings(person: Person, *, before: dict[str, str]) -> None:
    """Keep the language and the time zone; nothing is recorded where nothing is different."""
    after = _settings_of(person)
    if after != before:
        person.save(update_fields=[*after])
        record("person.settings_changed", by=person, about=person, before=before, after=after)


def _settings_of(person: Person) -> dict[str, str]:
    return {"language": person.language, "time_zone": person.time_zone}
