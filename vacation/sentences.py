"""The verbs of this app's events, for people."""

from django.utils.translation import gettext_noop

from audit.sentences import register_verb

register_verb("auto_reply.switched_on", gettext_noop("%(who)s switched the auto-reply on"))
register_verb("auto_reply.switched_off", gettext_noop("%(who)s switched the auto-reply off"))
register_verb("auto_reply.changed", gettext_noop("%(who)s changed the auto-reply"))
register_verb("auto_reply.cancelled", gettext_noop("%(who)s cancelled the change of the auto-reply"))
register_verb("auto_reply.undone", gettext_noop("%(who)s undid the change of the auto-reply"))
register_verb(
    "auto_reply.kept_from_server",
    gettext_noop("%(who)s kept what was changed of the auto-reply on the mail server"),
)
