"""Sentences of this app's events as whoever did it reads them."""

from django.utils.translation import gettext_noop

from audit.sentences import register_in_person

register_in_person(
    "mailbox_template.made", gettext_noop("You made the template “%(what)s” for new mailboxes")
)
register_in_person(
    "mailbox_template.changed", gettext_noop("You changed the template “%(what)s” for new mailboxes")
)
register_in_person(
    "mailbox_template.deleted", gettext_noop("You deleted the template “%(what)s” for new mailboxes")
)
