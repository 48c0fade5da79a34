"""Sentences of this app's events as whoever did it reads them."""

from django.utils.translation import gettext_noop

from audit.sentences import register_in_person

register_in_person("batch.planned", gettext_noop("You had a plan made for many mailboxes: %(what)s"))
register_in_person("batch.begun", gettext_noop("You had the plan for many mailboxes carried out: %(what)s"))
register_in_person("batch.stopped", gettext_noop("You stopped the work on many mailboxes: %(what)s"))
register_in_person("batch.undo_begun", gettext_noop("You had the work on many mailboxes undone: %(what)s"))
register_in_person("batch.thrown_away", gettext_noop("You threw the plan for many mailboxes away: %(what)s"))
register_in_person("mailboxes.exported", gettext_noop("You took a file of mailboxes"))
