"""Every field of every table: in the file of what is known about a person, or said here why not."""

from django.apps import apps

from accounts import personal
from accounts.models import Mailbox, Person
from audit.models import Event

IN_THE_FILE = {
    "accounts.Person": (
        "id last_login searched username name email language time_zone is_operator is_support is_active"
    ),
    "accounts.Mailbox": (
        "id searched address domain_id server_id login name quota_bytes password_changed_at guessed_at "
        "enabled sends receives only_app_passwords apps_only_from apps_only_by_rule "
        "password_asked_at recovery_address frozen_at language owner_id deleted_at purge_after"
    ),
    "audit.Event": (
        "number lane place at by_id by_name on_behalf_of_id on_behalf_of_name source_address "
        "request_id verb outcome subject_kind subject_id subject domain before after who_digest "
        "what_digest hash"
    ),
    "vacation.AutoReply": (
        "id mailbox_id enabled subject text starts ends outside_text periods weekdays zone "
        "addresses left_out groups days absence version"
    ),
    "vacation.Forwarding": "id mailbox_id enabled keep_copy ends only_while_away version",
    "vacation.OwnScripts": "id mailbox_id rules run_first active notes redirects",
    "vacation.SettingRequest": (
        "id mailbox_id setting before wanted asked_by_id asked_at state decided_by_id decided_at reason"
    ),
    "vacation.Proof": "id mailbox_id about asked_by_id asked_at finished_at steps",
    "quotas.QuotaRequest": (
        "id mailbox_id asked_by_id asked_at wanted_bytes state decided_by_id decided_at given_bytes"
    ),
    "quotas.TrashEmptying": "mailbox_id saved_before",
    "quotas.QuotaWarning": "id mailbox_id threshold crossed_at ended_at",
    "accounts.AppPassword": "id mailbox_id name made_at last_used_at",
    "mailservers.Usage": (
        "mailbox_id bytes_used messages trash_bytes trash_messages junk_bytes old_trash_bytes "
        "old_trash_messages limit_bytes wanted_bytes folders folder_count read_at"
    ),
}
SECRET = {
    "accounts.Person": "password",
    "accounts.Mailbox": "password_hash former_hash",
    "audit.Event": "id who_salt what_salt previous_hash",
    "accounts.AppPassword": "selector password_hash",
}
OF_NOBODY = "of domains, servers or the portal's work, and of no person"
TOLD_IN_EVENTS = "what was done stands in the events, which are in the file"
PASSING = "kept for days at most, to mail or to push something; what came of it stands in the events"
OPENS = "it opens something, or is made of what does"
NOT_IN_IT = {
    "accounts.Alias": OF_NOBODY,
    "accounts.AliasTarget": OF_NOBODY,
    "accounts.AuthenticatorApp": "its name and when it was used are in the file; the rest opens something",
    "accounts.Domain": OF_NOBODY,
    "accounts.DomainAdmin": TOLD_IN_EVENTS,
    "accounts.EarlierPassword": OPENS,
    "accounts.GivenLogin": "the login is the mailbox's own, which is in the file",
    "accounts.KnownDevice": OPENS,
    "accounts.LostTarget": OF_NOBODY,
    "accounts.LookUp": TOLD_IN_EVENTS,
    "accounts.NameLock": OF_NOBODY,
    "accounts.Notice": PASSING,
    "accounts.OneTimeLink": OPENS,
    "accounts.PasswordAudit": OF_NOBODY,
    "accounts.PasswordRequest": TOLD_IN_EVENTS,
    "accounts.PasswordRules": OF_NOBODY,
    "accounts.PersonSession": OPENS,
    "accounts.RedirectAlarm": TOLD_IN_EVENTS,
    "accounts.SignInAttempt": "hashes of names, for a day",
    "accounts.SupportGrant": TOLD_IN_EVENTS,
    "adoption.Adoption": OF_NOBODY,
    "audit.ChainHead": OF_NOBODY,
    "audit.Seal": OF_NOBODY,
    "audit.Verification": OF_NOBODY,
    "auth.Group": OF_NOBODY,
    "auth.Group_permissions": OF_NOBODY,
    "auth.Permission": OF_NOBODY,
    "batches.Batch": OF_NOBODY,
    "batches.Row": "what came of it stands in the events; it is forgotten after 90 days",
    "branding.Brand": OF_NOBODY,
    "clientsetup.SetupLink": OPENS,
    "contenttypes.ContentType": OF_NOBODY,
    "django_otp_webauthn.WebAuthnAttestation": OPENS,
    "django_otp_webauthn.WebAuthnCredential": "its name and when it was used are in the file",
    "django_otp_webauthn.WebAuthnUserHandle": OPENS,
    "mailboxtemplates.MailboxTemplate": OF_NOBODY,
    "mails.Mail": PASSING,
    "mailservers.Change": PASSING,
    "mailservers.DriftCheck": PASSING,
    "mailservers.Lease": PASSING,
    "mailservers.Observation": PASSING,
    "mailservers.PushTime": OF_NOBODY,
    "mailservers.SealedPassword": OPENS,
    "mailservers.Server": OF_NOBODY,
    "mailservers.Slot": OF_NOBODY,
    "mailservers.UsageDay": OF_NOBODY,
    "mailservers.UsageRequest": PASSING,
    "otp_static.StaticDevice": OPENS,
    "otp_static.StaticToken": OPENS,
    "otp_totp.TOTPDevice": OPENS,
    "quotas.DomainReading": OF_NOBODY,
    "sessions.Session": OF_NOBODY,
    "vacation.DomainRules": OF_NOBODY,
    "vacation.ForwardingTarget": "where the forwarding leads stands in the events",
    "vacation.ReplyTemplate": OF_NOBODY,
}


def in_the_file():
    return [Person, Mailbox, Event, *dict.fromkeys(model for model, _field in personal.parts())]


def test_every_table_is_in_the_file_or_it_is_said_why_not():
    found = sorted(model._meta.label for model in apps.get_models(include_auto_created=True))
    assert found == sorted([*IN_THE_FILE, *NOT_IN_IT])


def test_every_field_of_those_is_in_it_or_known_to_be_a_secret():
    for model in in_the_file():
        label = model._meta.label
        shown, secret = IN_THE_FILE[label].split(), SECRET.get(label, "").split()
        assert personal.fields_of(model) == shown
        assert sorted(field.attname for field in model._meta.concrete_fields) == sorted([*shown, *secret])


def test_the_hash_of_an_earlier_password_is_not_in_it(mailbox):
    mailbox.former_hash = "{CRYPT}earlier-canary"
    mailbox.save()
    assert "canary" not in "".join(personal.known_about(mailbox.owner))
