"""The verbs of this app's events, for people."""

from django.utils.translation import gettext_noop

from audit.sentences import register_verb

register_verb("mailbox.quota_changed", gettext_noop("%(who)s changed how much room the mailbox has"))
register_verb("mailbox.trash_emptied", gettext_noop("%(who)s emptied the trash"))
register_verb("quota_request.made", gettext_noop("%(who)s asked for more room"))
register_verb("quota_request.approved", gettext_noop("%(who)s approved the request for more room"))
register_verb("quota_request.refused", gettext_noop("%(who)s refused the request for more room"))
register_verb("domain.quota_settings_changed", gettext_noop("%(who)s changed the domain's rules for room"))
