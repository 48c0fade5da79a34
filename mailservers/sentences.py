"""The verbs of this app's events, for people."""

from django.utils.translation import gettext_noop

from audit.sentences import register_verb

register_verb("change.tried_again", gettext_noop("%(who)s had the mail server told once more"))
register_verb("change.live", gettext_noop("The mail server has the change of %(what)s"))
register_verb("change.delayed", gettext_noop("The change of %(what)s could not be sent yet"))
register_verb("change.failed", gettext_noop("The mail server did not take the change of %(what)s"))
register_verb(
    "server.credentials_resealed", gettext_noop("%(who)s sealed the credentials of %(what)s with a new key")
)
register_verb("server.check_requested", gettext_noop("%(who)s had %(what)s checked"))
register_verb("server.paused", gettext_noop("%(who)s paused the pushing to %(what)s"))
register_verb("server.resumed", gettext_noop("%(who)s resumed the pushing to %(what)s"))
register_verb("server.tried_again", gettext_noop("%(who)s had what failed on %(what)s tried again"))
register_verb(
    "server.comparison_requested", gettext_noop("%(who)s had %(what)s compared with what was set here")
)
register_verb("server.pushed", gettext_noop("%(who)s had everything that waits for %(what)s pushed"))
register_verb(
    "server.maintenance_changed", gettext_noop("%(who)s changed the maintenance or the texts of %(what)s")
)
register_verb(
    "mailbox.drifted", gettext_noop("%(who)s found that the mail server holds something else than it should")
)
register_verb(
    "mailbox.restored_on_server", gettext_noop("%(who)s had the mail server take back what was changed there")
)
