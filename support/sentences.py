"""The verbs of this app's events, for people."""

from django.utils.translation import gettext_noop

from audit.sentences import register_verb

register_verb("audit.reason_given", gettext_noop("%(who)s said why they look for people in the audit"))
register_verb("audit.searched", gettext_noop("%(who)s looked for somebody in the audit"))
register_verb("audit.exported", gettext_noop("%(who)s took events out of the audit as a file"))
