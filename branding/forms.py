"""What operators and webmasters say of a brand."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.seen_values import SeenValues
from branding import colours
from branding.logos import LARGEST_FILE, NotALogo, as_png
from branding.models import Brand


class BrandForm(SeenValues, forms.ModelForm[Brand]):
    """The picture is kept as `png`; None: it stays as it is."""

    picture = forms.FileField(
        label=gettext_lazy("Logo"),
        required=False,
        help_text=gettext_lazy("A PNG, JPEG or WebP of up to 512 kB. It is shown on white."),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )
    remove_logo = forms.BooleanField(label=gettext_lazy("Take the logo away"), required=False)

    # Django would take it for http where no scheme is typed.
    webmail_url = forms.URLField(
        label=gettext_lazy("Webmail address"),
        required=False,
        assume_scheme="https",
        help_text=gettext_lazy("Begins with https://"),
    )

    class Meta:
        model = Brand
        fields = ("name", "accent", "support_email", "support_phone", "webmail_url")
        help_texts = {  # noqa: RUF012 - as Django's forms want it
            "name": gettext_lazy("Stands at the top of every page and on the set-up card."),
            "accent": gettext_lazy("Of buttons, as #rrggbb. White text must be readable on it."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.png: bytes | None = None
        if not self.instance.logo:
            del self.fields["remove_logo"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError(_("A name has no line breaks or other control characters."))
        return name

    def clean_accent(self) -> str:
        typed: str = self.cleaned_data["accent"]
        if not typed:
            return ""
        try:
            colour = colours.parse(typed)
        except ValueError:
            raise forms.ValidationError(_("Write the colour as #rrggbb, for example #2f55b8.")) from None
        ratio = colours.contrast(colour, colours.WHITE)
        if ratio < colours.ENOUGH:
            raise forms.ValidationError(
                _(
                    "White text is hard to read on %(colour)s: the contrast is %(ratio)s to 1, and 4.5 is"
                    " needed. %(better)s would do."
                )
                % {
                    "colour": colours.written(colour),
                    "ratio": number_format(ratio, 1),
                    "better": colours.written(colours.readable(colour)),
                }
            )
        return colours.written(colour)

    def clean_webmail_url(self) -> str:
        url: str = self.cleaned_data["webmail_url"]
        if url and not url.startswith("https://"):
            raise forms.ValidationError(_("Passwords are typed there: the address must begin with https://"))
        return url

    def clean_picture(self) -> UploadedFile | None:
        file: UploadedFile | None = self.cleaned_data["picture"]
        if file is None:
            return None
        if (file.size or 0) > LARGEST_FILE:
            raise forms.ValidationError(_("This file is too large: a logo may have up to 512 kB."))
        try:
            self.png = as_png(file)  # type: ignore[arg-type]
        except NotALogo:
            raise forms.ValidationError(
                _("This is not a PNG, JPEG or WebP picture that can be used.")
            ) from None
        return file

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("remove_logo") and self.png is None:
            self.png = b""
        return given
