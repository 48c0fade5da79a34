"""The verbs of this app's events, for people."""

from django.utils.translation import gettext_noop

from audit.sentences import register_verb

register_verb("server.set_up_told", gettext_noop("%(who)s changed what mail programs are told of %(what)s"))
register_verb("setup_link.made", gettext_noop("%(who)s made a link that opens the set-up on a phone"))
register_verb("setup_link.opened", gettext_noop("Somebody opened the set-up with a link"))
