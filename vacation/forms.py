"""The auto-reply as people fill it in."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mailservers.drivers.base import Limits, Refused
from mailservers.models import say
from vacation.limits import refuse_unfit
from vacation.models import AutoReply
from vacation.rendering import reply_entity, reply_subject
from vacation.sieve import UnfitText

MINUTES = "%Y-%m-%dT%H:%M"


class MomentField(forms.DateTimeField):
    """A day and a time of day, as browsers offer them."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MINUTES)


class AutoReplyForm(forms.ModelForm[AutoReply]):
    """What is typed stays in the form until it is saved, whatever is wrong with it."""

    version = forms.IntegerField(widget=forms.HiddenInput, min_value=0)
    # Not stripped: what somebody wrote goes out to the letter.
    text = forms.CharField(
        label=gettext_lazy("Text"),
        strip=False,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "dir": "auto"}),
    )
    subject = forms.CharField(
        label=gettext_lazy("Subject"),
        required=False,
        strip=False,
        max_length=250,
        help_text=gettext_lazy("Leave it empty to answer with “Auto:” and the subject of the mail."),
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )
    starts = MomentField(
        label=gettext_lazy("From"), required=False, help_text=gettext_lazy("Empty: from now on.")
    )
    ends = MomentField(
        label=gettext_lazy("Until"),
        required=False,
        help_text=gettext_lazy("Empty: until it is switched off."),
    )

    class Meta:
        model = AutoReply
        fields = ("enabled", "subject", "text", "starts", "ends")

    def __init__(self, *args: Any, limits: Limits | None = None, **kwargs: Any) -> None:
        """`limits`: what the mailbox's server can hold, where that is known."""
        super().__init__(*args, **kwargs)
        self._limits = limits or Limits()
        if not self._limits.sieve and not self._limits.reply_subject:
            del self.fields["subject"]
        self.initial["version"] = self.instance.version

    def clean_subject(self) -> str:
        subject: str = self.cleaned_data["subject"]
        _must_fit(reply_subject, subject)
        return subject

    def clean_text(self) -> str:
        text = self.cleaned_data["text"].replace("\r\n", "\n").replace("\r", "\n")
        _must_fit(reply_entity, text)
        return str(text)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        starts, ends = given.get("starts"), given.get("ends")
        if starts and ends and ends <= starts:
            self.add_error("ends", _("This is not after the beginning. Choose a later day or time."))
        elif given.get("enabled") and ends and ends <= timezone.now():
            self.add_error("ends", _("This has passed already: nobody would get an answer."))
        if given.get("enabled") and "text" in given and not given["text"].strip():
            self.add_error("text", _("Write what people who write to this mailbox should be told."))
        return given

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # Django's own hook, unknown to the stubs
        if not self.errors:
            try:
                refuse_unfit(self.instance, self._limits)
            except Refused as refusal:
                self.add_error("text", say(refusal.reason, refusal.values))

    def tell_of_newer(self, newer: AutoReply) -> None:
        """Somebody else saved meanwhile: say so, keep what was typed, and let a second save go through."""
        self.data = {**dict(self.data.items()), "version": str(newer.version)}
        self.add_error(
            None,
            ValidationError(
                _(
                    "Somebody else saved this auto-reply while you were writing. Nothing of yours is lost: "
                    "it stands below. Save again to replace theirs: %(theirs)s"
                ),
                params={"theirs": f"“{newer.text}”" if newer.enabled else _("(switched off)")},
            ),
        )


def _must_fit(rendered: Any, text: str) -> None:
    try:
        rendered(text)
    except UnfitText as unfit:
        raise ValidationError(say(unfit.reason, unfit.values)) from None
