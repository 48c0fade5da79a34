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
register_verb("auto_reply.requested", gettext_noop("%(who)s asked for a change of the auto-reply"))
register_verb("auto_reply.approved", gettext_noop("%(who)s approved the change of the auto-reply"))
register_verb("auto_reply.refused", gettext_noop("%(who)s refused the change of the auto-reply"))
register_verb("auto_reply.withdrawn", gettext_noop("%(who)s withdrew the wish to change the auto-reply"))
register_verb("forwarding.requested", gettext_noop("%(who)s asked for a change of the forwarding"))
register_verb("forwarding.approved", gettext_noop("%(who)s approved the change of the forwarding"))
register_verb("forwarding.refused", gettext_noop("%(who)s refused the change of the forwarding"))
register_verb("forwarding.withdrawn", gettext_noop("%(who)s withdrew the wish to change the forwarding"))
register_verb(
    "domain.mail_rules_changed", gettext_noop("%(who)s changed the rules for auto-replies and forwarding")
)
register_verb(
    "domain.reply_templates_changed", gettext_noop("%(who)s changed the templates for auto-replies")
)
register_verb(
    "forwarding.rules_changed",
    gettext_noop("%(who)s changed where the domain's mail may be forwarded to"),
)
register_verb("auto_reply.proof_asked", gettext_noop("%(who)s had the auto-reply tried with a test mail"))
register_verb("forwarding.proof_asked", gettext_noop("%(who)s had the forwarding tried with a test mail"))
register_verb("forwarding.switched_on", gettext_noop("%(who)s switched forwarding on"))
register_verb("forwarding.switched_off", gettext_noop("%(who)s switched forwarding off"))
register_verb("forwarding.changed", gettext_noop("%(who)s changed the forwarding"))
register_verb("forwarding.cancelled", gettext_noop("%(who)s cancelled the change of the forwarding"))
register_verb("forwarding.undone", gettext_noop("%(who)s undid the change of the forwarding"))
register_verb(
    "forwarding.kept_from_server",
    gettext_noop("%(who)s kept what was changed of the forwarding on the mail server"),
)
register_verb("own_rules.ordered", gettext_noop("%(who)s chose when rules made in webmail run"))
register_verb("forwarding.confirmed", gettext_noop("A target of the forwarding agreed to get the mail"))
register_verb("forwarding.declined", gettext_noop("A target of the forwarding does not want the mail"))
register_verb("forwarding.target_gone", gettext_noop("A target of the forwarding takes no mail any more"))
register_verb("forwarding.target_back", gettext_noop("A target of the forwarding takes mail again"))
register_verb("forwarding.asked_again", gettext_noop("%(who)s had a target of the forwarding asked again"))
register_verb(
    "mail_rules.kept_from_server",
    gettext_noop("%(who)s kept what was changed of the auto-reply and the forwarding on the mail server"),
)
register_verb(
    "mail_rules.cancelled",
    gettext_noop("%(who)s cancelled the change of the auto-reply and the forwarding"),
)
register_verb(
    "mail_rules.undone", gettext_noop("%(who)s undid the change of the auto-reply and the forwarding")
)
