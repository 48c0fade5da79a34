"""Sentences of this app's events as those concerned read them: by whoever did it, and to whom it was done."""

from django.utils.translation import gettext_noop

from audit.sentences import register_in_person

for verb, own, to_you in (
    ("audit.reason_given", gettext_noop("You said why you look for people in the audit"), ""),
    ("audit.searched", gettext_noop("You looked for somebody in the audit"), ""),
    (
        "audit.exported",
        gettext_noop("You took events out of the audit as a file"),
        "",
    ),
):
    register_in_person(verb, own, to_you)
