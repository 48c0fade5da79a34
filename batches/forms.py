"""What people upload, and what they wish for the mailboxes they chose in the list."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Domain
from accounts.size_field import SizeField
from batches.reading import LARGEST_FILE, Table, Unreadable, read_table
from mailboxtemplates.models import MailboxTemplate
from mailservers.models import say

ACTIONS = (
    ("quota", gettext_lazy("give them so much room:")),
    ("off", gettext_lazy("switch signing in and sending off")),
    ("on", gettext_lazy("switch signing in, sending and receiving on")),
    ("sending-off", gettext_lazy("stop sending")),
    ("sending-on", gettext_lazy("allow sending again")),
    ("receiving-off", gettext_lazy("have new mail refused")),
    ("receiving-on", gettext_lazy("have new mail taken again")),
    ("auto-reply-off", gettext_lazy("switch auto-replies off")),
    ("forwarding-off", gettext_lazy("switch forwarding off")),
    ("link", gettext_lazy("send each a link to choose a new password")),
    ("delete", gettext_lazy("delete them")),
)
WHICH = ("ticked", "page", "all")


class UploadForm(forms.Form):
    """`table` is what the file holds once the form is valid."""

    file = forms.FileField(
        label=gettext_lazy("File"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx"}),
        error_messages={"required": gettext_lazy("Choose a file.")},
    )
    sends_links = forms.BooleanField(
        label=gettext_lazy("Mail new mailboxes' users a link to choose a password"),
        required=False,
        initial=True,
        help_text=gettext_lazy("To the recovery address, where there is one."),
    )

    template = forms.ModelChoiceField(
        MailboxTemplate.objects.none(),
        label=gettext_lazy("Template of new mailboxes"),
        required=False,
        empty_label=gettext_lazy("none"),
        help_text=gettext_lazy(
            "Where the column “template” names none. It fills in what a row leaves empty."
        ),
    )

    table: Table

    def __init__(self, *args: Any, domain: Domain, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        templates = MailboxTemplate.objects.filter(domain=domain).select_related("reply")
        known = list(templates)
        if not known:
            del self.fields["template"]
            return
        field = self.fields["template"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101 - tells the type checker
        field.queryset = templates.order_by("title")
        self.initial["template"] = next((each.pk for each in known if each.is_default), None)

    def clean_file(self) -> UploadedFile:
        file: UploadedFile = self.cleaned_data["file"]
        try:
            # One byte more tells that it is too large.
            self.table = read_table(file.read(LARGEST_FILE + 1))
        except Unreadable as why:
            raise forms.ValidationError(say(why.sentence, why.values)) from None
        return file


class ChosenForm(forms.Form):
    """Which mailboxes of a list, and what is to happen to them."""

    which = forms.ChoiceField(choices=[(name, name) for name in WHICH])
    action = forms.ChoiceField(choices=ACTIONS)
    quota_bytes = SizeField(label=gettext_lazy("Room for mail"), required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("action") == "quota" and not given.get("quota_bytes") and not self.errors:
            self.add_error("quota_bytes", _("Write how much room they get, for example 1.5 GB."))
        return given
