"""What is drawn in Python must be what Django's own templates draw."""

from django import forms
from django.forms.renderers import TemplatesSetting
from django.utils.html import escape

from portal.form_renderer import QuickWidgets

NASTY = "\"><script>'&"


class EveryWidget(forms.Form):
    text = forms.CharField(max_length=9, help_text="x")
    none = forms.CharField(required=False)
    day = forms.DateField(widget=forms.DateInput({"type": "date"}))
    secret = forms.CharField(widget=forms.PasswordInput)
    hidden = forms.CharField(widget=forms.HiddenInput)
    number = forms.IntegerField(min_value=1)
    mail = forms.EmailField(disabled=True)
    tick = forms.BooleanField(widget=forms.CheckboxInput({"data-a": NASTY}))
    plain = forms.ChoiceField(choices=[("", NASTY), ("a", "A"), (NASTY, "B")])
    grouped = forms.ChoiceField(choices=[("G&", [("1", "one"), ("2", "two")]), ("3", "three")])


def drawn(renderer):
    data = {"text": NASTY, "tick": "on", "plain": NASTY, "grouped": "2", "secret": "s", "number": "x"}
    form = EveryWidget(data, renderer=renderer)
    return {
        field.name: " ".join(str(field).replace("\n", " ").replace("> <", "><").split()) for field in form
    }


def test_each_widget_is_drawn_as_django_draws_it():
    ours, theirs = drawn(QuickWidgets()), drawn(TemplatesSetting())
    for name, html in theirs.items():
        assert ours[name].replace(" <", "<") == html.replace(" <", "<"), name
    assert escape(NASTY) in ours["plain"]
