"""What somebody changed of an account on its server, in words, and how the database takes it over."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_noop

from accounts import sizes
from accounts.answering import tell_scripts
from accounts.devices import forget_devices
from accounts.models import Mailbox
from audit.chain import Actor, record
from audit.models import Event
from mailservers.aspects import Drift, Seen, Watch
from mailservers.drivers.base import OWN_HASH, AccountState, Driver, RemovedAccount
from mailservers.one_line import as_one_line

# What a page needs of them, and an event may hold.
TOLD = ("quota_bytes", "enabled")
# What some servers keep as well.
MAYBE = ("name", "recovery_address", "sends", "receives")


def read_accounts(
    driver: Driver, logins: Sequence[str], _connections: int, _seconds: float
) -> Mapping[str, Seen]:
    found = driver.read_accounts(logins)
    return {login: Seen(found.get(login)) for login in logins}


def explain_account(
    mailbox: Mailbox, wanted: AccountState | RemovedAccount, held: AccountState | RemovedAccount | None
) -> Drift:
    """A hash is never told, only that it is another one."""
    if isinstance(wanted, RemovedAccount) or isinstance(held, RemovedAccount):
        return Drift((), held=None)
    if held is None:
        return Drift(
            ((gettext_noop("The mailbox is not on the mail server any more."), {}),),
            held=None,
            why_not=gettext_noop("The portal keeps the mailbox until somebody deletes it here."),
        )
    found = tuple(_differences(wanted, held))
    if why_not := _why_not_kept(mailbox, wanted, held):
        return Drift(found, held=None, why_not=why_not)
    kept = {name: getattr(held, name) for name in TOLD}
    # Where app passwords alone let in, the server holds none, and the portal's own hash stands.
    kept["password_hash"] = mailbox.password_hash if mailbox.only_app_passwords else held.password_hash
    for name in MAYBE:
        # Where a server does not keep it, both are empty.
        if getattr(held, name) != getattr(wanted, name):
            kept[name] = getattr(held, name)
    return Drift(found, held=kept)


def _differences(wanted: AccountState, held: AccountState) -> Iterator[tuple[str, dict[str, Any]]]:
    told = list(_plain_differences(wanted, held))
    yield from told
    if held.password_hash != wanted.password_hash or not told:
        yield (
            (gettext_noop("No password is set there: nobody can sign in."), {})
            if not held.password_hash
            else (gettext_noop("The mailbox has another password there."), {})
        )


def _plain_differences(wanted: AccountState, held: AccountState) -> Iterator[tuple[str, dict[str, Any]]]:
    """All but the password."""
    if held.address != wanted.address:
        sentence = gettext_noop("The address is %(theirs)s there, and %(ours)s here.")
        yield sentence, {"theirs": held.address, "ours": wanted.address}
    if held.quota_bytes != wanted.quota_bytes:
        yield _quota(wanted.quota_bytes, held.quota_bytes)
    if held.enabled != wanted.enabled:
        yield (
            gettext_noop("The mailbox is switched on there, and off here.")
            if held.enabled
            else gettext_noop("The mailbox is switched off there: nobody can sign in."),
            {},
        )
    yield from _switches(wanted, held)
    if held.name != wanted.name:
        sentence = gettext_noop("The name is “%(theirs)s” there, and “%(ours)s” here.")
        yield sentence, {"theirs": held.name, "ours": wanted.name}
    if held.recovery_address != wanted.recovery_address:
        yield gettext_noop("The mailbox has another recovery address there."), {}
    if held.app_passwords != wanted.app_passwords:
        yield _app_passwords(wanted, held)


def _why_not_kept(mailbox: Mailbox, wanted: AccountState, held: AccountState) -> str:
    """A sentence; "" where the portal can take over what is there."""
    if held.address != wanted.address:
        return gettext_noop("A mailbox can't change its address in the portal.")
    another_password = held.password_hash != wanted.password_hash
    if held.app_passwords != wanted.app_passwords or (mailbox.only_app_passwords and another_password):
        return gettext_noop("What opens this mailbox beside its password is decided in the portal.")
    if OWN_HASH in (held.password_hash, wanted.password_hash):
        return gettext_noop("The mail server does not tell the portal what it holds exactly.")
    return ""


def keep_account(mailbox: Mailbox, held: dict[str, Any], by: Actor) -> Event:
    """With another password its owner's sessions here end, as after any change of it."""
    # The mailbox alone: PostgreSQL locks no row that may be missing, and the owner is one of those.
    locked = Mailbox.objects.select_for_update(of=("self",))
    current = locked.select_related("domain", "owner").get(pk=mailbox.pk)
    names = [*TOLD, *(name for name in MAYBE if name in held)]
    before, name_before = _told(current, names), current.name
    for name in names:
        # A name that somebody made on the server may hold what no name here does.
        setattr(current, name, as_one_line(held[name]) if name == "name" else held[name])
    if current.password_hash != held["password_hash"]:
        current.password_hash, current.password_changed_at = held["password_hash"], timezone.now()
        current.password_asked_at = None
        if current.owner and not current.owner.has_usable_password():
            current.owner.set_unusable_password()
            current.owner.save(update_fields=["password"])
            forget_devices(current.owner)
    current.save(update_fields=[*names, "password_hash", "password_changed_at", "password_asked_at"])
    if current.name != name_before:
        tell_scripts([current], "mailbox.name_in_reply", {}, by=by)
    return record(
        "mailbox.kept_from_server",
        by=by,
        about=current,
        domain=current.domain.name,
        before=before,
        after=_told(current, names),
    )


def _told(mailbox: Mailbox, names: Sequence[str]) -> dict[str, Any]:
    """What an event keeps; the word "enabled" is the auto-reply's there."""
    told = {name: getattr(mailbox, name) for name in names}
    return {("signing_in" if name == "enabled" else name): value for name, value in told.items()}


def _switches(wanted: AccountState, held: AccountState) -> Iterator[tuple[str, dict[str, Any]]]:
    """Sending and receiving."""
    if held.sends != wanted.sends:
        yield (
            gettext_noop("Sending was allowed there; here it is stopped.")
            if held.sends
            else gettext_noop("Sending is stopped there: nobody can send with this mailbox."),
            {},
        )
    if held.receives != wanted.receives:
        yield (
            gettext_noop("New mail is taken there; here it is to be refused.")
            if held.receives
            else gettext_noop("New mail is refused there: senders get it back."),
            {},
        )


def _app_passwords(wanted: AccountState, held: AccountState) -> tuple[str, dict[str, Any]]:
    if strange := set(held.app_passwords) - set(wanted.app_passwords):
        return gettext_noop("%(count)d app passwords there are not from this portal."), {
            "count": len(strange)
        }
    lacking = set(wanted.app_passwords) - set(held.app_passwords)
    return gettext_noop("%(count)d app passwords are not there any more."), {"count": len(lacking)}


def _quota(ours: int, theirs: int) -> tuple[str, dict[str, Any]]:
    if not theirs:
        return gettext_noop("There is no limit to its room there; here it is %(ours)s."), {
            "ours": sizes.in_words(ours)
        }
    if not ours:
        return gettext_noop("Its room is limited to %(theirs)s there; here it has no limit."), {
            "theirs": sizes.in_words(theirs)
        }
    return gettext_noop("It has room for %(theirs)s there, and for %(ours)s here."), {
        "theirs": sizes.in_words(theirs),
        "ours": sizes.in_words(ours),
    }


watch = Watch(read=read_accounts, explain=explain_account, keep=keep_account, at_once=1000)
