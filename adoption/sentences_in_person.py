"""Sentences of this app's events as those concerned read them: by whoever did it, and to whom it was done."""

from django.utils.translation import gettext_noop

from audit.sentences import register_in_person

for verb, own, to_you in (
    (
        "domain.adopted",
        gettext_noop("You took the domain over from its mail server"),
        "",
    ),
    (
        "mailbox.adopted",
        gettext_noop("You took the mailbox over from its mail server"),
        gettext_noop("%(who)s took your mailbox over from its mail server"),
    ),
    (
        "alias.adopted",
        gettext_noop("You took the alias over from its mail server"),
        "",
    ),
    (
        "adoption.begun",
        gettext_noop("You began to take over what %(what)s holds"),
        "",
    ),
):
    register_in_person(verb, own, to_you)
