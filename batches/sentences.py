"""The verbs of this app's events, for people."""

from django.utils.translation import gettext_noop

from audit.sentences import register_verb

register_verb("batch.planned", gettext_noop("%(who)s had a plan made for many mailboxes: %(what)s"))
register_verb("batch.begun", gettext_noop("%(who)s had the plan for many mailboxes carried out: %(what)s"))
register_verb("batch.stopped", gettext_noop("%(who)s stopped the work on many mailboxes: %(what)s"))
register_verb("batch.undo_begun", gettext_noop("%(who)s had the work on many mailboxes undone: %(what)s"))
register_verb("batch.thrown_away", gettext_noop("%(who)s threw the plan for many mailboxes away: %(what)s"))
register_verb("mailboxes.exported", gettext_noop("%(who)s took a file of mailboxes"))
register_verb(
    "batch.letters_made", gettext_noop("%(who)s made letters with links to choose passwords: %(what)s")
)
