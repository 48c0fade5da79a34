"""Sentences of this app's events as those concerned read them: by whoever did it, and to whom it was done."""

from django.utils.translation import gettext_noop

from audit.sentences import register_in_person

for verb, own, to_you in (
    (
        "auto_reply.switched_on",
        gettext_noop("You switched the auto-reply on"),
        gettext_noop("%(who)s set an auto-reply for you"),
    ),
    (
        "auto_reply.switched_off",
        gettext_noop("You switched the auto-reply off"),
        gettext_noop("%(who)s switched your auto-reply off"),
    ),
    (
        "auto_reply.changed",
        gettext_noop("You changed the auto-reply"),
        gettext_noop("%(who)s changed your auto-reply"),
    ),
    (
        "auto_reply.cancelled",
        gettext_noop("You cancelled the change of the auto-reply"),
        gettext_noop("%(who)s cancelled the change of your auto-reply"),
    ),
    (
        "auto_reply.undone",
        gettext_noop("You undid the change of the auto-reply"),
        gettext_noop("%(who)s undid the change of your auto-reply"),
    ),
    (
        "auto_reply.kept_from_server",
        gettext_noop("You kept what was changed of the auto-reply on the mail server"),
        gettext_noop("%(who)s kept what was changed of your auto-reply on the mail server"),
    ),
    (
        "auto_reply.requested",
        gettext_noop("You asked for a change of the auto-reply"),
        gettext_noop("%(who)s asked for a change of your auto-reply"),
    ),
    (
        "auto_reply.approved",
        gettext_noop("You approved the change of the auto-reply"),
        gettext_noop("%(who)s approved the change of your auto-reply"),
    ),
    (
        "auto_reply.refused",
        gettext_noop("You refused the change of the auto-reply"),
        gettext_noop("%(who)s refused the change of your auto-reply"),
    ),
    (
        "auto_reply.withdrawn",
        gettext_noop("You withdrew your wish to change the auto-reply"),
        "",
    ),
    (
        "auto_reply.proof_asked",
        gettext_noop("You had the auto-reply tried with a test mail"),
        gettext_noop("%(who)s had your auto-reply tried with a test mail"),
    ),
    (
        "forwarding.switched_on",
        gettext_noop("You switched forwarding on"),
        gettext_noop("%(who)s had your mail forwarded"),
    ),
    (
        "forwarding.switched_off",
        gettext_noop("You switched forwarding off"),
        gettext_noop("%(who)s switched your forwarding off"),
    ),
    (
        "forwarding.changed",
        gettext_noop("You changed the forwarding"),
        gettext_noop("%(who)s changed your forwarding"),
    ),
    (
        "forwarding.cancelled",
        gettext_noop("You cancelled the change of the forwarding"),
        gettext_noop("%(who)s cancelled the change of your forwarding"),
    ),
    (
        "forwarding.undone",
        gettext_noop("You undid the change of the forwarding"),
        gettext_noop("%(who)s undid the change of your forwarding"),
    ),
    (
        "forwarding.kept_from_server",
        gettext_noop("You kept what was changed of the forwarding on the mail server"),
        gettext_noop("%(who)s kept what was changed of your forwarding on the mail server"),
    ),
    (
        "forwarding.requested",
        gettext_noop("You asked for a change of the forwarding"),
        gettext_noop("%(who)s asked for a change of your forwarding"),
    ),
    (
        "forwarding.approved",
        gettext_noop("You approved the change of the forwarding"),
        gettext_noop("%(who)s approved the change of your forwarding"),
    ),
    (
        "forwarding.refused",
        gettext_noop("You refused the change of the forwarding"),
        gettext_noop("%(who)s refused the change of your forwarding"),
    ),
    (
        "forwarding.withdrawn",
        gettext_noop("You withdrew your wish to change the forwarding"),
        "",
    ),
    (
        "forwarding.proof_asked",
        gettext_noop("You had the forwarding tried with a test mail"),
        gettext_noop("%(who)s had your forwarding tried with a test mail"),
    ),
    (
        "forwarding.confirmed",
        "",
        gettext_noop("A target of your forwarding agreed to get the mail"),
    ),
    (
        "forwarding.declined",
        "",
        gettext_noop("A target of your forwarding does not want the mail"),
    ),
    (
        "forwarding.asked_again",
        gettext_noop("You had a target of the forwarding asked again"),
        gettext_noop("%(who)s had a target of your forwarding asked again"),
    ),
    (
        "mail_rules.kept_from_server",
        gettext_noop("You kept what was changed of the auto-reply and the forwarding on the mail server"),
        gettext_noop("%(who)s kept what was changed of your auto-reply and forwarding on the mail server"),
    ),
    (
        "mail_rules.cancelled",
        gettext_noop("You cancelled the change of the auto-reply and the forwarding"),
        gettext_noop("%(who)s cancelled the change of your auto-reply and your forwarding"),
    ),
    (
        "mail_rules.undone",
        gettext_noop("You undid the change of the auto-reply and the forwarding"),
        gettext_noop("%(who)s undid the change of your auto-reply and your forwarding"),
    ),
    (
        "own_rules.ordered",
        gettext_noop("You chose when rules made in webmail run"),
        gettext_noop("%(who)s chose when your rules made in webmail run"),
    ),
    (
        "domain.mail_rules_changed",
        gettext_noop("You changed the rules for auto-replies and forwarding"),
        "",
    ),
    (
        "domain.reply_templates_changed",
        gettext_noop("You changed the templates for auto-replies"),
        "",
    ),
    (
        "forwarding.rules_changed",
        gettext_noop("You changed where the domain's mail may be forwarded to"),
        "",
    ),
):
    register_in_person(verb, own, to_you)
