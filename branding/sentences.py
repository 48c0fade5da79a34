"""The verbs of this app's events, for people."""

from django.utils.translation import gettext_noop

from audit.sentences import register_verb

register_verb("brand.saved", gettext_noop("%(who)s changed how the portal looks for a domain"))
