"""Sentences of this app's events as those concerned read them: by whoever did it, and to whom it was done."""

from django.utils.translation import gettext_noop

from audit.sentences import register_in_person

for verb, own, to_you in (
    (
        "change.tried_again",
        gettext_noop("You had the mail server told once more"),
        gettext_noop("%(who)s had the mail server told once more"),
    ),
    (
        "server.check_requested",
        gettext_noop("You had %(what)s checked"),
        "",
    ),
    (
        "server.paused",
        gettext_noop("You paused the pushing to %(what)s"),
        "",
    ),
    (
        "server.resumed",
        gettext_noop("You resumed the pushing to %(what)s"),
        "",
    ),
    (
        "server.tried_again",
        gettext_noop("You had what failed on %(what)s tried again"),
        "",
    ),
    (
        "server.comparison_requested",
        gettext_noop("You had %(what)s compared with what was set here"),
        "",
    ),
    (
        "server.pushed",
        gettext_noop("You had everything that waits for %(what)s pushed"),
        "",
    ),
    (
        "server.maintenance_changed",
        gettext_noop("You changed the maintenance or the texts of %(what)s"),
        "",
    ),
    (
        "mailbox.drifted",
        "",
        gettext_noop("%(who)s found that the mail server holds something else for you than it should"),
    ),
    (
        "mailbox.restored_on_server",
        gettext_noop("You had the mail server take back what was changed there"),
        gettext_noop("%(who)s had the mail server take back what was changed there for your mailbox"),
    ),
):
    register_in_person(verb, own, to_you)
