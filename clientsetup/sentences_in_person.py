"""Sentences of this app's events as those concerned read them: by whoever did it, and to whom it was done."""

from django.utils.translation import gettext_noop

from audit.sentences import register_in_person

for verb, own, to_you in (
    (
        "server.set_up_told",
        gettext_noop("You changed what mail programs are told of %(what)s"),
        "",
    ),
    (
        "setup_link.made",
        gettext_noop("You made a link that opens the set-up on a phone"),
        gettext_noop("%(who)s made a link that opens your set-up on a phone"),
    ),
    (
        "setup_link.opened",
        "",
        gettext_noop("Somebody opened your set-up with a link"),
    ),
):
    register_in_person(verb, own, to_you)
