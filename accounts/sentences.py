"""The verbs of this app's events, for people."""

from django.utils.translation import gettext_noop

from audit.sentences import register_verb

register_verb("mailbox.created", gettext_noop("%(who)s created the mailbox"))
register_verb("mailbox.password_changed", gettext_noop("%(who)s changed the password"))
register_verb("person.data_taken", gettext_noop("%(who)s took a file of all that is known about them"))
register_verb("audit.erased", gettext_noop("%(who)s erased personal data of events"))
register_verb("mailbox.looked_up", gettext_noop("%(who)s of the support staff looked at the mailbox"))
register_verb(
    "mailbox.help_allowed", gettext_noop("%(who)s let support change the mailbox's settings for a while")
)
register_verb(
    "mailbox.help_ended", gettext_noop("%(who)s ended that support may change the mailbox's settings")
)
register_verb("mail.refused", gettext_noop("A mail of the portal to %(what)s could not be delivered"))
register_verb("person.sign_in_failed", gettext_noop("Somebody gave a wrong password for %(what)s"))
register_verb("person.signed_out", gettext_noop("%(who)s signed out"))
register_verb("person.code_failed", gettext_noop("Somebody gave a wrong code for %(what)s"))
register_verb("person.step_up_failed", gettext_noop("%(who)s did not show once more who they are"))
register_verb("person.settings_changed", gettext_noop("%(who)s changed their language or time zone"))
register_verb("person.signed_in", gettext_noop("%(who)s signed in"))
register_verb(
    "mailbox.kept_from_server",
    gettext_noop("%(who)s kept what was changed of the mailbox on the mail server"),
)
register_verb(
    "mailbox.redirect_found",
    gettext_noop("%(who)s found a rule, made outside the portal, that sends mail on to another address"),
)
register_verb(
    "mailbox.redirect_acknowledged",
    gettext_noop("%(who)s has seen the rule that sends mail on to another address"),
)
register_verb(
    "mailbox.password_link_asked",
    gettext_noop("Somebody asked for a link to choose a new password; it went to the recovery address"),
)
register_verb("mailbox.password_asked_for", gettext_noop("Somebody asked the webmaster for a new password"))
register_verb("mailbox.password_refused", gettext_noop("%(who)s refused the request for a new password"))
register_verb("mailbox.password_link_made", gettext_noop("%(who)s made a link on which to choose a password"))
register_verb(
    "mailbox.password_link_sent",
    gettext_noop("%(who)s had a link to choose a password sent to the recovery address"),
)
register_verb(
    "mailbox.left_on_server",
    gettext_noop("%(who)s left as it is what was changed of the mailbox on the mail server"),
)
register_verb(
    "mailbox.not_left_on_server",
    gettext_noop("%(who)s wants to decide again what was changed of the mailbox on the mail server"),
)
register_verb("mailbox.edited", gettext_noop("%(who)s changed the mailbox"))
register_verb(
    "mailbox.hash_renewed", gettext_noop("At a sign-in the same password was hashed in a newer scheme")
)
register_verb("mailbox.password_guessed", gettext_noop("The password was found to be easy to guess"))
register_verb("passwords.audited", gettext_noop("Passwords were tried that guessers try first"))
register_verb("mailbox.switched_off", gettext_noop("%(who)s switched signing in off"))
register_verb("mailbox.switched_on", gettext_noop("%(who)s switched signing in on"))
register_verb("mailbox.sending_stopped", gettext_noop("%(who)s stopped sending"))
register_verb("mailbox.sending_allowed", gettext_noop("%(who)s allowed sending again"))
register_verb("mailbox.mail_refused", gettext_noop("%(who)s had new mail refused"))
register_verb("mailbox.mail_taken", gettext_noop("%(who)s had new mail taken again"))
register_verb("mailbox.deleted", gettext_noop("%(who)s deleted the mailbox"))
register_verb("mailbox.restored", gettext_noop("%(who)s brought the mailbox back"))
register_verb("mailbox.purged", gettext_noop("%(who)s removed the mailbox for good"))
for verb, sentence in {
    "alias.created": gettext_noop("%(who)s made the alias %(what)s"),
    "alias.changed": gettext_noop("%(who)s changed where mail to %(what)s goes"),
    "alias.brought_back": gettext_noop("%(who)s brought the alias %(what)s back with its mailbox"),
    "alias.deleted": gettext_noop("%(who)s deleted the alias %(what)s"),
    "alias.undone": gettext_noop("%(who)s undid a change of the alias %(what)s"),
    "alias.cancelled": gettext_noop("%(who)s cancelled a change of the alias %(what)s"),
    "alias.kept_from_server": gettext_noop("%(who)s kept what the mail server has of the alias %(what)s"),
    "alias.restored_on_server": gettext_noop(
        "%(who)s had the mail server take back what was changed of the alias %(what)s there"
    ),
    "alias.drifted": gettext_noop("%(who)s found another alias %(what)s on the mail server"),
    "alias.redirect_found": gettext_noop(
        "%(who)s found that %(what)s, changed outside the portal, sends mail to another address"
    ),
    "alias.redirect_acknowledged": gettext_noop("%(who)s has seen where %(what)s sends mail to"),
    "mailbox.addresses_changed": gettext_noop(
        "%(who)s changed an alias of the mailbox, which its auto-reply has to know"
    ),
    "mailbox.rules_restored": gettext_noop("%(who)s brought auto-reply and forwarding back with the mailbox"),
    "mailbox.name_in_reply": gettext_noop("%(who)s changed the name that the auto-reply is sent with"),
    "person.stepped_up": gettext_noop("%(who)s showed once more who they are"),
    "person.second_factor_added": gettext_noop("%(who)s added a second factor"),
    "person.second_factor_removed": gettext_noop("%(who)s removed a second factor"),
    "person.second_factor_reset": gettext_noop("%(who)s reset the second factor of %(what)s"),
    "person.passkey_used": gettext_noop("%(who)s used a passkey"),
    "person.passkey_refused": gettext_noop("A passkey was refused for %(what)s"),
    "person.passkey_copied": gettext_noop("A passkey of %(what)s was refused: it may have been copied"),
    "person.recovery_codes_made": gettext_noop("%(who)s made new recovery codes"),
    "person.invited": gettext_noop("%(who)s invited %(what)s"),
    "person.link_made": gettext_noop("%(who)s made a link on which %(what)s chooses a password"),
    "person.link_mailed": gettext_noop("%(who)s had a link mailed on which %(what)s chooses a password"),
    "person.rights_changed": gettext_noop("%(who)s changed what %(what)s may do"),
    "person.disabled": gettext_noop("%(who)s disabled %(what)s"),
    "person.enabled": gettext_noop("%(who)s enabled %(what)s"),
    "person.removed": gettext_noop("%(who)s removed %(what)s"),
    "person.renamed": gettext_noop("%(who)s gave %(what)s another user name"),
    "person.signed_out_everywhere": gettext_noop("All sessions of %(what)s were ended"),
    "person.password_link_asked": gettext_noop("Somebody asked for a link to a new password of %(what)s"),
    "person.lock_lifted": gettext_noop("The lock after too many tries was lifted for %(what)s"),
    "person.password_changed": gettext_noop("%(who)s chose a new password"),
    "recovery.asked": gettext_noop("%(who)s asked for a link to another recovery address of %(what)s"),
    "recovery.changed": gettext_noop("%(who)s changed the recovery address of %(what)s"),
    "person.not_me": gettext_noop("%(what)s said that somebody else had changed something"),
    "mailbox.not_me": gettext_noop("Somebody who reads its mail said that a change was not theirs"),
    "mailbox.sign_in_closed": gettext_noop("%(who)s closed signing in until a new password is chosen"),
    "mailbox.forwarding_frozen": gettext_noop("Forwarding to outside was frozen"),
    "mailbox.forwarding_unfrozen": gettext_noop("%(who)s lets mail be forwarded to outside again"),
    "domain.looked_up": gettext_noop(
        "%(who)s of the support staff looked at pages about the people of %(what)s"
    ),
    "domain.created": gettext_noop("%(who)s created the domain %(what)s"),
    "domain.password_rules_changed": gettext_noop("%(who)s changed what %(what)s asks of passwords"),
    "domain.changed": gettext_noop("%(who)s changed the domain %(what)s"),
    "domain.webmaster_added": gettext_noop("%(who)s made somebody a webmaster of %(what)s"),
    "domain.webmaster_removed": gettext_noop("%(who)s took %(what)s away from one of its webmasters"),
    "mailbox.app_password_made": gettext_noop("%(who)s made an app password"),
    "mailbox.app_password_ended": gettext_noop("%(who)s ended an app password"),
    "mailbox.app_passwords_ended": gettext_noop("%(who)s ended all app passwords"),
    "mailbox.app_passwords_alone": gettext_noop("%(who)s let mail programs in by app passwords only"),
    "mailbox.app_passwords_beside": gettext_noop("%(who)s let mail programs in by the password as well"),
    "mailbox.app_passwords_due": gettext_noop(
        "The domain's rule is to let mail programs in by app passwords only, after a term of grace"
    ),
    "mailbox.app_passwords_not_due": gettext_noop(
        "The domain's rule does not ask for app passwords in mail programs any more"
    ),
    "mailbox.app_passwords_by_rule": gettext_noop(
        "By the domain's rule, mail programs were let in by app passwords only"
    ),
    "mailbox.app_passwords_let_go": gettext_noop(
        "As the domain's rule no longer asks for app passwords, the password was let in as well"
    ),
    "domain.app_password_rule_changed": gettext_noop(
        "%(who)s changed which passwords mail programs in %(what)s may use"
    ),
    "person.session_ended": gettext_noop("%(who)s ended one of their sessions"),
    "person.sessions_ended": gettext_noop("%(who)s ended all of their other sessions"),
}.items():
    register_verb(verb, sentence)
