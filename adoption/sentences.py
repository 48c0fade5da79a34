"""The verbs of this app's events, for people."""

from django.utils.translation import gettext_noop

from audit.sentences import register_verb

register_verb("domain.adopted", gettext_noop("%(who)s took the domain over from its mail server"))
register_verb("mailbox.adopted", gettext_noop("%(who)s took the mailbox over from its mail server"))
register_verb("alias.adopted", gettext_noop("%(who)s took the alias over from its mail server"))
register_verb("adoption.begun", gettext_noop("%(who)s began to take over what %(what)s holds"))
