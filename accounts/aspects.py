"""What a mailbox's account should look like on its server."""

from contextlib import suppress
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext, gettext_noop

from accounts import app_passwords
from accounts.account_drift import watch
from accounts.models import Mailbox
from mailservers import sealed_passwords
from mailservers.aspects import Aspect
from mailservers.drivers.base import AccountState, Driver, Limits, Refused, RemovedAccount, parked
from mailservers.drivers.fitting import fit_account
from mailservers.models import Server
from mailservers.servers import limits_of


def desired_account(mailbox: Mailbox) -> AccountState | RemovedAccount:
    # What was there once, or was adopted, has been seen there.
    was_there = any(seen.aspect == "account" for seen in mailbox.observations.all())
    if mailbox.is_gone:
        return RemovedAccount(mailbox.login, mailbox.address, was_there)
    is_here = mailbox.deleted_at is None
    return AccountState(
        login=mailbox.login,
        address=mailbox.address,
        password_hash=mailbox.password_hash,
        quota_bytes=mailbox.quota_bytes,
        enabled=mailbox.enabled and is_here,
        sends=mailbox.sends and is_here,
        receives=mailbox.receives and is_here,
        name=mailbox.name,
        recovery_address=mailbox.recovery_address,
        former_hash=mailbox.former_hash,
        is_new=not was_there,
        app_passwords=app_passwords.states_of(mailbox),
        only_app_passwords=mailbox.only_app_passwords,
        new_password=None if _takes_hashes(mailbox.server) else sealed_passwords.unseal(mailbox),
    )


def _takes_hashes(server: Server) -> bool:
    """Asked before anything is opened: a password that nobody needs stays sealed."""
    limits = limits_of(server)
    return limits is None or limits.takes_hashes


def note_account(
    mailbox: Mailbox, wanted: AccountState | RemovedAccount, held: AccountState | RemovedAccount | None
) -> None:
    """A password that was told is erased, and so is a hash that it replaced; a server's login is learnt."""
    if isinstance(wanted, RemovedAccount) or not isinstance(held, AccountState):
        return
    if wanted.former_hash:
        Mailbox.objects.filter(pk=mailbox.pk, former_hash=wanted.former_hash).update(former_hash="")
    if wanted.new_password is not None:
        sealed_passwords.erase(wanted.new_password.number)
    if held.kept_login and held.kept_login != mailbox.login:
        # Unless somebody else has it, which only a mistake on the server could bring about.
        taken = Mailbox.objects.filter(server=mailbox.server, login=held.kept_login)
        if not taken.exists():
            mailbox.login = held.kept_login
            mailbox.save(update_fields=["login"])


def put_account(driver: Driver, login: str, account: AccountState | RemovedAccount) -> None:
    """Open sessions keep the old password, limit and rights, so they end: programs sign in again.

    After an app password more as well: a try before this one may have failed to end those of another. Only
    where the same password is but hashed anew nobody needs to notice.
    """
    held = driver.read_account(login)
    if isinstance(account, RemovedAccount):
        if held is not None and not _is_of(held, account):
            _refuse_to_remove(held, account)
            return
        driver.remove_account(login)
    else:
        driver.put_account(account)
    if held is not None and not _is_same_password(account, held):
        # A server that can't end sessions says Refused; the account itself is right all the same.
        with suppress(Refused):
            driver.end_sessions(login)


def _is_of(held: AccountState, removed: RemovedAccount) -> bool:
    """Whether it is that account; one that is half made or half removed is parked."""
    return held.address.casefold() in ("", removed.address, parked(removed.login))


def _refuse_to_remove(held: AccountState, removed: RemovedAccount) -> None:
    """Never somebody else's account, nor their mail. Quiet where it was theirs all the time."""
    if removed.was_there:
        raise Refused(
            gettext_noop(
                "The login %(login)s of the mailbox has another address on the mail server, %(address)s:"
                " nothing was removed there. Whoever looks after the mail server has to tell the two apart."
            ),
            login=removed.login,
            address=held.address,
        )


def own_account(
    wanted: AccountState | RemovedAccount, held: AccountState | None
) -> AccountState | RemovedAccount | None:
    """What became of one that was removed: somebody else's account with its login is none of it."""
    if isinstance(wanted, RemovedAccount) and (held is None or not _is_of(held, wanted)):
        # Else `put` has refused.
        return wanted
    return held


def _is_same_password(account: AccountState | RemovedAccount, held: AccountState) -> bool:
    """Whether nothing but the hash of the same password differs."""
    if isinstance(account, RemovedAccount) or not account.enabled or not account.former_hash:
        return False
    return replace(account, password_hash=account.former_hash) == held


def read_account(driver: Driver, login: str) -> AccountState | None:
    return driver.read_account(login)


def account_differences(wanted: AccountState | RemovedAccount, held: AccountState | None) -> list[str]:
    """In words; a hash is never told, only that it differs."""
    if isinstance(wanted, RemovedAccount):
        return [gettext("the account is still there")]
    if held is None:
        return [gettext("the account is not there")]
    found: list[str] = []
    pairs: tuple[tuple[str, Any, Any], ...] = (
        (gettext("address"), wanted.address, held.address),
        (gettext("quota"), wanted.quota_bytes, held.quota_bytes),
        (gettext("switched on"), wanted.enabled, held.enabled),
        (gettext("sending allowed"), wanted.sends, held.sends),
        (gettext("mail taken"), wanted.receives, held.receives),
        (gettext("name"), wanted.name, held.name),
        (gettext("recovery address"), wanted.recovery_address, held.recovery_address),
    )
    found.extend(f"{name}: {theirs}" for name, ours, theirs in pairs if ours != theirs)
    if wanted.password_hash != held.password_hash:
        found.append(gettext("another password"))
    if wanted.app_passwords != held.app_passwords:
        found.append(gettext("other app passwords"))
    return found


def fit(account: AccountState | RemovedAccount, limits: Limits) -> AccountState | RemovedAccount:
    return account if isinstance(account, RemovedAccount) else fit_account(account, limits)


account = Aspect(
    name="account",
    desired=desired_account,
    put=put_account,
    read=read_account,
    differences=account_differences,
    fit=fit,
    own=own_account,
    noted=note_account,
    gathers=("app_passwords", "observations"),
    watch=watch,
)
