"""The verbs of this app's events, for people."""

from django.utils.translation import gettext_noop

from audit.sentences import register_verb

register_verb("mailbox.created", gettext_noop("%(who)s created the mailbox"))
register_verb("mailbox.password_changed", gettext_noop("%(who)s changed the password"))
register_verb("person.signed_in", gettext_noop("%(who)s signed in"))
register_verb(
    "mailbox.kept_from_server",
    gettext_noop("%(who)s kept what was changed of the mailbox on the mail server"),
)
register_verb(
    "mailbox.redirect_found",
    gettext_noop("%(who)s found a rule, made outside the portal, that sends mail on to another address"),
)
register_verb(
    "mailbox.redirect_acknowledged",
    gettext_noop("%(who)s has seen the rule that sends mail on to another address"),
)
register_verb("mailbox.edited", gettext_noop("%(who)s changed the mailbox"))
register_verb("mailbox.switched_off", gettext_noop("%(who)s switched signing in off"))
register_verb("mailbox.switched_on", gettext_noop("%(who)s switched signing in on"))
register_verb("mailbox.deleted", gettext_noop("%(who)s deleted the mailbox"))
register_verb("mailbox.restored", gettext_noop("%(who)s brought the mailbox back"))
register_verb("mailbox.purged", gettext_noop("%(who)s removed the mailbox for good"))
