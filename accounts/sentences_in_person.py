"""Sentences of this app's events as those concerned read them: by whoever did it, and to whom it was done."""

from django.utils.translation import gettext_noop

from audit.sentences import register_in_person

for verb, own, to_you in (
    (
        "mailbox.created",
        gettext_noop("You created the mailbox"),
        gettext_noop("%(who)s created your mailbox"),
    ),
    (
        "mailbox.password_changed",
        gettext_noop("You changed the password"),
        gettext_noop("%(who)s changed your password"),
    ),
    (
        "mailbox.left_on_server",
        gettext_noop("You left as it is what was changed on the mail server"),
        gettext_noop("%(who)s left as it is what was changed for you on the mail server"),
    ),
    (
        "mailbox.not_left_on_server",
        gettext_noop("You want to decide again what was changed on the mail server"),
        gettext_noop("%(who)s wants to decide again what was changed for you on the mail server"),
    ),
    (
        "mailbox.edited",
        gettext_noop("You changed the mailbox"),
        gettext_noop("%(who)s changed your mailbox"),
    ),
    (
        "mailbox.switched_off",
        gettext_noop("You switched signing in off"),
        gettext_noop("%(who)s switched your signing in off"),
    ),
    (
        "mailbox.switched_on",
        gettext_noop("You switched signing in on"),
        gettext_noop("%(who)s switched your signing in on"),
    ),
    (
        "mailbox.sending_stopped",
        gettext_noop("You stopped sending"),
        gettext_noop("%(who)s stopped your sending"),
    ),
    (
        "mailbox.sending_allowed",
        gettext_noop("You allowed sending again"),
        gettext_noop("%(who)s allowed you to send again"),
    ),
    (
        "mailbox.mail_refused",
        gettext_noop("You had new mail refused"),
        gettext_noop("%(who)s had new mail to you refused"),
    ),
    (
        "mailbox.mail_taken",
        gettext_noop("You had new mail taken again"),
        gettext_noop("%(who)s had new mail to you taken again"),
    ),
    (
        "mailbox.deleted",
        gettext_noop("You deleted the mailbox"),
        gettext_noop("%(who)s deleted your mailbox"),
    ),
    (
        "mailbox.restored",
        gettext_noop("You brought the mailbox back"),
        gettext_noop("%(who)s brought your mailbox back"),
    ),
    (
        "mailbox.purged",
        gettext_noop("You removed the mailbox for good"),
        gettext_noop("%(who)s removed your mailbox for good"),
    ),
    (
        "mailbox.looked_up",
        gettext_noop("You looked at the mailbox, as support"),
        gettext_noop("%(who)s looked at your mailbox"),
    ),
    (
        "mailbox.help_allowed",
        gettext_noop("You let support change the mailbox's settings for a while"),
        gettext_noop("%(who)s let support change your settings for a while"),
    ),
    (
        "mailbox.help_ended",
        gettext_noop("You ended that support may change the mailbox's settings"),
        gettext_noop("%(who)s ended that support may change your settings"),
    ),
    (
        "mailbox.kept_from_server",
        gettext_noop("You kept what was changed of the mailbox on the mail server"),
        gettext_noop("%(who)s kept what was changed of your mailbox on the mail server"),
    ),
    (
        "mailbox.redirect_found",
        "",
        gettext_noop("%(who)s found a rule, made outside the portal, that sends your mail on elsewhere"),
    ),
    (
        "mailbox.redirect_acknowledged",
        gettext_noop("You have seen the rule that sends mail on to another address"),
        gettext_noop("%(who)s has seen the rule that sends your mail on to another address"),
    ),
    (
        "mailbox.password_link_asked",
        "",
        gettext_noop("Somebody asked for a link to choose a new password; it went to your recovery address"),
    ),
    (
        "mailbox.password_asked_for",
        "",
        gettext_noop("Somebody asked your webmaster for a new password for you"),
    ),
    (
        "mailbox.password_refused",
        gettext_noop("You refused the request for a new password"),
        gettext_noop("%(who)s refused the request for a new password for you"),
    ),
    (
        "mailbox.password_link_made",
        gettext_noop("You made a link on which to choose a password"),
        gettext_noop("%(who)s made a link on which to choose your password"),
    ),
    (
        "mailbox.password_link_sent",
        gettext_noop("You had a link to choose a password sent to the recovery address"),
        gettext_noop("%(who)s had a link to choose a password sent to your recovery address"),
    ),
    (
        "mailbox.addresses_changed",
        gettext_noop("You changed an alias of the mailbox, which its auto-reply has to know"),
        gettext_noop("%(who)s changed an alias of your mailbox, which your auto-reply has to know"),
    ),
    (
        "mailbox.rules_restored",
        gettext_noop("You brought auto-reply and forwarding back with the mailbox"),
        gettext_noop("%(who)s brought your auto-reply and forwarding back with the mailbox"),
    ),
    (
        "mailbox.name_in_reply",
        gettext_noop("You changed the name that the auto-reply is sent with"),
        gettext_noop("%(who)s changed the name that your auto-reply is sent with"),
    ),
    (
        "mailbox.app_password_made",
        gettext_noop("You made an app password"),
        gettext_noop("%(who)s made an app password for you"),
    ),
    (
        "mailbox.app_password_ended",
        gettext_noop("You ended an app password"),
        gettext_noop("%(who)s ended one of your app passwords"),
    ),
    (
        "mailbox.app_passwords_ended",
        gettext_noop("You ended all app passwords"),
        gettext_noop("%(who)s ended all of your app passwords"),
    ),
    (
        "mailbox.app_passwords_alone",
        gettext_noop("You let mail programs in by app passwords only"),
        gettext_noop("%(who)s let your mail programs in by app passwords only"),
    ),
    (
        "mailbox.app_passwords_beside",
        gettext_noop("You let mail programs in by the password as well"),
        gettext_noop("%(who)s let your mail programs in by your password as well"),
    ),
    (
        "alias.created",
        gettext_noop("You made the alias %(what)s"),
        "",
    ),
    (
        "alias.changed",
        gettext_noop("You changed where mail to %(what)s goes"),
        "",
    ),
    (
        "domain.looked_up",
        gettext_noop("You looked, as support, at pages about the people of %(what)s"),
        "",
    ),
    (
        "alias.brought_back",
        gettext_noop("You brought the alias %(what)s back with its mailbox"),
        "",
    ),
    (
        "alias.deleted",
        gettext_noop("You deleted the alias %(what)s"),
        "",
    ),
    (
        "alias.undone",
        gettext_noop("You undid a change of the alias %(what)s"),
        "",
    ),
    (
        "alias.cancelled",
        gettext_noop("You cancelled a change of the alias %(what)s"),
        "",
    ),
    (
        "alias.kept_from_server",
        gettext_noop("You kept what the mail server has of the alias %(what)s"),
        "",
    ),
    (
        "alias.restored_on_server",
        gettext_noop("You had the mail server take back what was changed of the alias %(what)s there"),
        "",
    ),
    (
        "alias.redirect_acknowledged",
        gettext_noop("You have seen where %(what)s sends mail to"),
        "",
    ),
    (
        "audit.erased",
        gettext_noop("You erased personal data of events"),
        "",
    ),
    (
        "domain.created",
        gettext_noop("You created the domain %(what)s"),
        "",
    ),
    (
        "domain.changed",
        gettext_noop("You changed the domain %(what)s"),
        "",
    ),
    (
        "domain.password_rules_changed",
        gettext_noop("You changed what %(what)s asks of passwords"),
        "",
    ),
    (
        "domain.webmaster_added",
        gettext_noop("You made somebody a webmaster of %(what)s"),
        "",
    ),
    (
        "domain.webmaster_removed",
        gettext_noop("You took %(what)s away from one of its webmasters"),
        "",
    ),
    (
        "person.signed_in",
        gettext_noop("You signed in"),
        "",
    ),
    ("mail.refused", "", gettext_noop("A mail of the portal to you could not be delivered")),
    ("person.code_failed", "", gettext_noop("Somebody gave a wrong code for you")),
    ("person.step_up_failed", gettext_noop("You did not show once more who you are"), ""),
    ("person.settings_changed", gettext_noop("You changed your language or time zone"), ""),
    (
        "person.not_me",
        "",
        gettext_noop("You said that somebody else had changed something"),
    ),
    (
        "mailbox.not_me",
        "",
        gettext_noop("Somebody who reads your mail said that a change was not theirs"),
    ),
    (
        "mailbox.sign_in_closed",
        gettext_noop("You closed signing in until a new password is chosen"),
        gettext_noop("%(who)s closed your signing in until you choose a new password"),
    ),
    ("mailbox.forwarding_frozen", "", gettext_noop("Your forwarding to outside was frozen")),
    ("person.passkey_used", gettext_noop("You used a passkey"), ""),
    (
        "person.link_mailed",
        gettext_noop("You had a link mailed on which %(what)s chooses a password"),
        gettext_noop("%(who)s had a link mailed on which you choose a password"),
    ),
    (
        "mailbox.forwarding_unfrozen",
        gettext_noop("You let mail be forwarded to outside again"),
        gettext_noop("%(who)s let your mail be forwarded to outside again"),
    ),
    ("recovery.asked", gettext_noop("You asked for a link to another recovery address"), ""),
    ("recovery.changed", gettext_noop("You changed the recovery address"), ""),
    (
        "person.signed_out",
        gettext_noop("You signed out"),
        "",
    ),
    (
        "person.sign_in_failed",
        "",
        gettext_noop("Somebody gave a wrong password for you"),
    ),
    (
        "person.data_taken",
        gettext_noop("You took a file of all that is known about you"),
        "",
    ),
    (
        "person.stepped_up",
        gettext_noop("You showed once more who you are"),
        "",
    ),
    (
        "person.second_factor_added",
        gettext_noop("You added a second factor"),
        "",
    ),
    (
        "person.second_factor_removed",
        gettext_noop("You removed a second factor"),
        "",
    ),
    (
        "person.second_factor_reset",
        gettext_noop("You reset the second factor of %(what)s"),
        gettext_noop("%(who)s reset your second factor"),
    ),
    (
        "person.recovery_codes_made",
        gettext_noop("You made new recovery codes"),
        "",
    ),
    (
        "person.invited",
        gettext_noop("You invited %(what)s"),
        gettext_noop("%(who)s invited you"),
    ),
    (
        "person.link_made",
        gettext_noop("You made a link on which %(what)s chooses a password"),
        gettext_noop("%(who)s made a link on which you choose a password"),
    ),
    (
        "person.rights_changed",
        gettext_noop("You changed what %(what)s may do"),
        gettext_noop("%(who)s changed what you may do"),
    ),
    (
        "person.disabled",
        gettext_noop("You disabled %(what)s"),
        gettext_noop("%(who)s disabled your account"),
    ),
    (
        "person.enabled",
        gettext_noop("You enabled %(what)s"),
        gettext_noop("%(who)s enabled your account"),
    ),
    (
        "person.removed",
        gettext_noop("You removed %(what)s"),
        "",
    ),
    (
        "person.password_changed",
        gettext_noop("You chose a new password"),
        "",
    ),
    (
        "domain.app_password_rule_changed",
        gettext_noop("You changed which passwords mail programs in %(what)s may use"),
        "",
    ),
    (
        "person.session_ended",
        gettext_noop("You ended one of your sessions"),
        "",
    ),
    (
        "person.sessions_ended",
        gettext_noop("You ended all of your other sessions"),
        "",
    ),
):
    register_in_person(verb, own, to_you)
