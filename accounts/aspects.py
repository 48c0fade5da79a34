"""What a mailbox's account should look like on its server."""

from contextlib import suppress
from typing import Any

from django.utils.translation import gettext

from accounts.models import Mailbox
from mailservers.aspects import Aspect
from mailservers.drivers.base import AccountState, Driver, Refused


def desired_account(mailbox: Mailbox) -> AccountState:
    return AccountState(
        login=mailbox.login,
        address=mailbox.address,
        password_hash=mailbox.password_hash,
        quota_bytes=mailbox.quota_bytes,
        enabled=mailbox.enabled and mailbox.deleted_at is None,
    )


def put_account(driver: Driver, login: str, account: AccountState) -> None:
    """Open sessions keep the old password, limit and rights, so they end: programs sign in again."""
    was_there = driver.read_account(login) is not None
    driver.put_account(account)
    if was_there:
        # A server that can't end sessions says Refused; the account itself is right all the same.
        with suppress(Refused):
            driver.end_sessions(login)


def read_account(driver: Driver, login: str) -> AccountState | None:
    return driver.read_account(login)


def account_differences(wanted: AccountState, held: AccountState | None) -> list[str]:
    """In words; a hash is never told, only that it differs."""
    if held is None:
        return [gettext("the account is not there")]
    found: list[str] = []
    pairs: tuple[tuple[str, Any, Any], ...] = (
        (gettext("address"), wanted.address, held.address),
        (gettext("quota"), wanted.quota_bytes, held.quota_bytes),
        (gettext("switched on"), wanted.enabled, held.enabled),
    )
    found.extend(f"{name}: {theirs}" for name, ours, theirs in pairs if ours != theirs)
    if wanted.password_hash != held.password_hash:
        found.append(gettext("another password"))
    return found


account = Aspect(
    name="account",
    desired=desired_account,
    put=put_account,
    read=read_account,
    differences=account_differences,
)
