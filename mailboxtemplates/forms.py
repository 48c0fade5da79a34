"""Templates as webmasters fill them in, and the form of a new mailbox that begins with one."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.mailbox_forms import CreateMailboxForm
from accounts.models import Domain
from accounts.size_field import SizeField
from accounts.sizes import in_words
from mailboxtemplates.addresses import local_part_from
from mailboxtemplates.models import AddressStyle, MailboxTemplate
from mailservers.servers import limits_of
from vacation.models import ReplyTemplate
from vacation.reply_templates import has_places


class MailboxTemplateForm(forms.ModelForm[MailboxTemplate]):
    """What the person saw goes along as `seen_version`, so that nobody's change is lost."""

    quota_bytes = SizeField(label=gettext_lazy("Room for mail"), required=False)
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = MailboxTemplate
        fields = (
            "title",
            "quota_bytes",
            "address_style",
            "language",
            "reply",
            "reply_on",
            "note",
            "is_default",
        )
        widgets = {  # noqa: RUF012 - Django's way
            "title": forms.TextInput(attrs={"autocomplete": "off"}),
            "note": forms.TextInput(attrs={"autocomplete": "off"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.domain: Domain = self.instance.domain
        self.initial["seen_version"] = self.instance.version
        self.fields["title"].help_text = _("What webmasters choose it by, for example Employee.")
        self.fields["quota_bytes"].help_text = _(
            "Empty: as much as the domain gives by default, at present %(size)s."
        ) % {"size": in_words(self.domain.default_quota_bytes)}
        self.fields["note"].help_text = _("Shown to webmasters when they choose it.")
        self.fields["address_style"] = forms.ChoiceField(
            label=gettext_lazy("Address"),
            required=False,
            choices=[("", _("typed each time")), *AddressStyle.choices],
            help_text=_("Made of the person's name when the address is left empty."),
        )
        own = dict(settings.LANGUAGES).get(self.domain.language, self.domain.language)
        self.fields["language"] = forms.ChoiceField(
            label=gettext_lazy("Language of mails to its user"),
            required=False,
            choices=[("", _("the domain's: %(language)s") % {"language": own}), *settings.LANGUAGES],
        )
        self._offer_replies()

    def _offer_replies(self) -> None:
        """`offers` tells what a page says instead of the fields: "no-texts", or "unable" for the server."""
        limits = limits_of(self.domain.server)
        texts = ReplyTemplate.objects.filter(domain=self.domain)
        self.offers = "unable" if limits is not None and not limits.replies else "texts"
        if self.offers == "texts" and not texts.exists():
            self.offers = "no-texts"
        if self.offers != "texts":
            del self.fields["reply"], self.fields["reply_on"]
            return
        self.fields["reply"] = forms.ModelChoiceField(
            texts,
            label=gettext_lazy("Auto-reply"),
            required=False,
            empty_label=gettext_lazy("none"),
            help_text=_("One of the domain's texts. A new mailbox has it ready, switched off."),
        )

    def clean_title(self) -> str:
        title: str = self.cleaned_data["title"]
        others = MailboxTemplate.objects.filter(domain=self.domain).exclude(pk=self.instance.pk)
        # As a file names them: in capitals or not.
        if title.casefold() in {each.casefold() for each in others.values_list("title", flat=True)}:
            raise ValidationError(_("There is a template with this name already."))
        return title

    def clean_quota_bytes(self) -> int | None:
        quota, most = int(self.cleaned_data["quota_bytes"]), self.domain.max_quota_bytes
        if most and quota > most:
            raise ValidationError(
                _("The domain may give %(size)s to all its mailboxes together. Write less."),
                params={"size": in_words(most)},
            )
        return quota or None

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "reply" not in self.fields:
            # Nothing was asked: what the template has is as it was.
            return given
        reply = given.get("reply")
        if reply is None:
            given["reply_on"] = False
        elif given.get("reply_on") and has_places(reply.subject + reply.text, besides="name"):
            self.add_error(
                "reply_on",
                _(
                    "In this text something is to be filled in first, such as {until}. Leave this off, or"
                    " choose a text with no places in braces but {name}."
                ),
            )
        return given


class NewMailboxForm(CreateMailboxForm):
    """A new mailbox that begins as a template has it; `typed` is what was typed before that was chosen."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language of mails to its user"), choices=settings.LANGUAGES, required=False
    )
    template = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Any = None,
        *,
        domain: Domain,
        login: str,
        template: MailboxTemplate | None,
        typed: dict[str, Any] | None = None,
    ) -> None:
        style = template.address_style if template else ""
        # Who chooses another template has not asked for an address yet.
        asked = data is not None and "choose" not in data
        if asked and style and not data.get("local_part", "").strip():
            data = data.copy()
            language = data.get("language", "")
            data["local_part"] = local_part_from(data.get("name", "")[:200], style, language)
        super().__init__(data, domain=domain, login=login)
        self.initial.update(language=domain.language, template=0)
        if template is not None:
            self.initial.update(
                template=template.pk,
                quota_bytes=template.room_bytes,
                language=template.language or domain.language,
            )
        self.initial.update(typed or {})
        address = self.fields["local_part"]
        first = ["local_part", "knows_protected", "name"]
        if style:
            first = ["name", "local_part", "knows_protected"]
            address.required = False
            address.widget.attrs.pop("autofocus", None)
            self.fields["name"].widget.attrs["autofocus"] = True
            address.help_text = _(
                "The part before @%(domain)s. Empty: made of the name, such as %(made)s."
            ) % {
                "domain": domain.name,
                "made": local_part_from("Anna Jansen", style, ""),
            }
        self.order_fields([*first, "recovery_address", "quota_bytes", "language", "login", "proposed_login"])

    @property
    def typed(self) -> dict[str, str]:
        """What differs from what the form began with, as it was typed."""
        left_out = {"template", "knows_protected", "proposed_login"}
        if self.data.get("login") == self.data.get("proposed_login"):
            left_out.add("login")
        names = [name for name in self.changed_data if name not in left_out]
        return {name: str(self.data.get(name, "")) for name in names}

    def clean_local_part(self) -> str:
        if not self.cleaned_data["local_part"]:
            raise ValidationError(
                _(
                    "No address can be made of this name. Write first and last name in Latin letters, or"
                    " write the address itself."
                )
            )
        return super().clean_local_part()
