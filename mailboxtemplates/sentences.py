"""The verbs of this app's events, for people."""

from django.utils.translation import gettext_noop

from audit.sentences import register_verb

register_verb("mailbox_template.made", gettext_noop("%(who)s made the template “%(what)s” for new mailboxes"))
register_verb(
    "mailbox_template.changed", gettext_noop("%(who)s changed the template “%(what)s” for new mailboxes")
)
register_verb(
    "mailbox_template.deleted", gettext_noop("%(who)s deleted the template “%(what)s” for new mailboxes")
)
