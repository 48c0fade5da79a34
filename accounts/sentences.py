"""The verbs of this app's events, for people."""

from django.utils.translation import gettext_noop

from audit.sentences import register_verb

register_verb("mailbox.created", gettext_noop("%(who)s created the mailbox"))
register_verb("mailbox.password_changed", gettext_noop("%(who)s changed the password"))
register_verb("person.signed_in", gettext_noop("%(who)s signed in"))
