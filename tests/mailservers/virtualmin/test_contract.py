"""The driver keeps the contract, as far as Virtualmin can; where it can't, it says so."""

from dataclasses import replace
from typing import Any

import pytest

from mailservers.drivers.base import (
    AccountState,
    Driver,
    ForwardRule,
    MailRules,
    Refused,
    ScriptState,
)
from mailservers.drivers.fitting import fit_account
from mailservers.drivers.virtualmin import limits
from tests.mailservers.drivers import contract
from tests.mailservers.drivers.contract import DriverContract

LIMITS = limits({"time_zone": "Europe/Brussels"})
OFF = ScriptState("", active=False, rules=MailRules(None, ForwardRule()))


@pytest.fixture(autouse=True)
def _accounts_that_virtualmin_can_hold(monkeypatch) -> None:
    """Named by their address, and fitted, as the push engine does before a driver sees them."""
    original = contract.new_account

    def new_account(domain: str = "a.test", **changes: Any) -> AccountState:
        account = original(domain.lower(), **changes)
        login = changes.get("login", account.address)
        return fitted(replace(account, login=login))

    monkeypatch.setattr(contract, "new_account", new_account)


def fitted(account: AccountState) -> AccountState:
    return fit_account(account, LIMITS)


class TestContract(DriverContract):
    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"enabled": False},
            {"quota_bytes": 0},
            {"quota_bytes": 2 * 2**30},
            {"quota_bytes": 1025},
            {"password_hash": ""},
            {"name": "Zoë: 李小龙 + Söhne", "recovery_address": "zoe+home@elsewhere.test"},
        ],
    )
    def test_an_account_is_held_as_it_was_put(self, changes: dict[str, Any], driver: Driver) -> None:
        super().test_an_account_is_held_as_it_was_put(changes, driver)

    def test_signing_in_sending_and_receiving_are_switched_apart(
        self, account: AccountState, driver: Driver
    ) -> None:
        """Signing in alone: a mailbox that is off takes mail all the same, and the fitted state says so."""
        stopped = fitted(replace(account, enabled=False, sends=False, receives=False))
        assert (stopped.enabled, stopped.sends, stopped.receives) == (False, True, True)
        for changed in (stopped, account):
            driver.put_account(changed)
            assert driver.read_account(account.login) == changed

    def test_everything_of_an_account_can_change(self, account: AccountState, driver: Driver) -> None:
        changed = replace(account, quota_bytes=2048, enabled=False, name="New", recovery_address="x@y.test")
        driver.put_account(changed)
        assert driver.read_account(account.login) == changed
        with pytest.raises(Refused, match="cannot be changed"):
            driver.put_account(replace(account, address=f"new-{account.address}"))

    @pytest.mark.parametrize("name", ["o'brien", "a.b-c_d", "x+y", "josé", "李小龙", "x" * 60])
    def test_names_are_kept_to_the_letter(self, name: str, driver: Driver) -> None:
        account = contract.new_account(login=f"{name}@b.test", address=f"{name}@b.test")
        driver.put_account(account)
        assert driver.read_account(account.login) == account
        driver.remove_account(account.login)
        assert driver.read_account(account.login) is None

    @pytest.mark.parametrize("name", ["a b", ":x", "1st", "Upper", "a\nb", "a;b", "a*", "", "\ud800", "x@y"])
    def test_names_that_virtualmin_takes_for_something_else_never_leave(
        self, name: str, driver: Driver
    ) -> None:
        with pytest.raises(Refused):
            driver.put_account(contract.new_account(login=f"{name}@b.test", address=f"{name}@b.test"))

    def test_an_address_belongs_to_one_account(self, account, driver, virtualmin):
        virtualmin.call(
            "modify-user",
            domain="a.test",
            user=account.address.split("@")[0],
            **{"add-email": "taken@a.test"},
        )
        with pytest.raises(Refused) as refusal:
            driver.put_account(contract.new_account(login="taken@a.test", address="taken@a.test"))
        assert "taken@a.test" in str(refusal.value)
        assert driver.read_account(account.login) == account

    def test_an_existing_account_cannot_take_an_address_over_either(self, account, driver, virtualmin):
        virtualmin.call("create-alias", domain="a.test", **{"from": "info", "to": account.address})
        with pytest.raises(Refused):
            driver.put_account(contract.new_account(login="info@a.test", address="info@a.test"))
        assert [alias.address for alias in driver.aliases("a.test") if alias.address == "info@a.test"]

    def test_one_accounts_login_is_not_anothers_address(self, driver: Driver) -> None:
        with pytest.raises(Refused, match="chooses the login"):
            driver.put_account(contract.new_account(login="other0001"))

    def test_an_empty_mailbox_uses_nothing(self, account: AccountState, driver: Driver) -> None:
        """Virtualmin counts the home directory, which holds a few files from the beginning."""
        usage = driver.usage(account.login)
        assert (usage.bytes_used, usage.messages, usage.quota_bytes) == (81920, None, account.quota_bytes)

    def test_usages_are_those_of_the_domain(self, driver: Driver) -> None:
        inside = [contract.new_account("usage.test"), contract.new_account("usage.test")]
        outside = [contract.new_account("sub.usage.test"), contract.new_account("usage-test")]
        inside.append(contract.new_account("usage.test", enabled=False))  # it receives all the same
        for account in [*inside, *outside]:
            driver.put_account(account)
        logins = [usage.login for usage in driver.usages("usage.test")]
        assert logins == sorted(f"{a.address.split('@')[0]}.usage" for a in inside)
        assert [usage.login for usage in driver.usages("USAGE.test", after=logins[0])] == logins[1:]
        assert list(driver.usages("nowhere.test")) == list(driver.usages("%")) == []

    @pytest.mark.parametrize("login", ["", "nobody0001"])
    def test_ending_sessions_is_quiet_when_there_are_none(
        self, login: str, account: AccountState, driver: Driver
    ) -> None:
        with pytest.raises(Refused, match="no way to end open sessions"):
            driver.end_sessions(login or account.login)

    def test_a_healthy_server_says_what_it_can(self, driver: Driver) -> None:
        assert driver.check().version == "Virtualmin 8.1.0 Webmin 2.660"

    # --- what the contract says of scripts is said of rules here

    def test_without_a_script_there_is_none(self, account: AccountState, driver: Driver) -> None:
        assert driver.read_script(account.login) == OFF


# Virtualmin takes no Sieve script: test_rules.py says of rules what the contract says of scripts.
for name in vars(DriverContract):
    if name.startswith("test_") and "script" in name and name not in vars(TestContract):
        setattr(TestContract, name, None)
