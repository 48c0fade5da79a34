"""Sentences of this app's events as those concerned read them: by whoever did it, and to whom it was done."""

from django.utils.translation import gettext_noop

from audit.sentences import register_in_person

for verb, own, to_you in (
    (
        "brand.saved",
        gettext_noop("You changed how the portal looks for a domain"),
        "",
    ),
):
    register_in_person(verb, own, to_you)
