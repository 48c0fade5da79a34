"""Sentences of this app's events as those concerned read them: by whoever did it, and to whom it was done."""

from django.utils.translation import gettext_noop

from audit.sentences import register_in_person

for verb, own, to_you in (
    (
        "mailbox.quota_changed",
        gettext_noop("You changed how much room the mailbox has"),
        gettext_noop("%(who)s changed how much room you have"),
    ),
    (
        "mailbox.trash_emptied",
        gettext_noop("You emptied the trash"),
        gettext_noop("%(who)s emptied your trash"),
    ),
    (
        "quota_request.made",
        gettext_noop("You asked for more room"),
        "",
    ),
    (
        "quota_request.approved",
        gettext_noop("You approved the request for more room"),
        gettext_noop("%(who)s gave you more room"),
    ),
    (
        "quota_request.refused",
        gettext_noop("You refused the request for more room"),
        gettext_noop("%(who)s refused your request for more room"),
    ),
    (
        "domain.quota_settings_changed",
        gettext_noop("You changed the domain's rules for room"),
        "",
    ),
):
    register_in_person(verb, own, to_you)
