"""What every driver promises, whatever kind of server it speaks to."""

from dataclasses import replace
from itertools import count, product
from typing import Any

import pytest

from mailservers.drivers.base import (
    AccountState,
    AliasState,
    Driver,
    Refused,
    ScriptReport,
    ScriptState,
    TrashState,
    TryAgain,
)

HASH = "{SHA512-CRYPT}$6$rounds=1000$salt$UBI0KQXkWnvxL8GbG3vEZoHmwcLoKZTR6WrnkKQs3JEJO1DzFnzRNh0"
OTHER_HASH = "{BLF-CRYPT}$2y$05$0123456789012345678901uRZ9VkNGvbTZTYPPvk1cY8pLSdjqWtO"
SCRIPT = ScriptState('require ["fileinto"];\nif false { fileinto "ä"; }\n', active=True)
OFF = ScriptState("", active=False)

_numbers = count(1)


def new_account(domain: str = "a.test", **changes: Any) -> AccountState:
    """An account whose names no other test uses: the servers live longer than a test."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "login": f"example{number:04}",
        "address": f"person{number:04}@{domain}",
        "password_hash": HASH,
        "quota_bytes": 1024 * 1024,
        "enabled": True,
    }
    return AccountState(**{**values, **changes})


class DriverContract:
    """Inherit it, and give a fixture `driver`."""

    @pytest.fixture
    def account(self, driver: Driver) -> AccountState:
        """One that is on the server."""
        account = new_account()
        driver.put_account(account)
        return account

    # --- accounts

    def test_an_account_nobody_put_is_not_there(self, driver: Driver) -> None:
        assert driver.read_account("nobody0001") is None

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"enabled": False},
            {"sends": False},
            {"enabled": False, "receives": False},
            {"quota_bytes": 0},
            {"quota_bytes": 10 * 2**40},
            {"password_hash": ""},
            {"password_hash": OTHER_HASH},
        ],
    )
    def test_an_account_is_held_as_it_was_put(self, changes: dict[str, Any], driver: Driver) -> None:
        account = new_account(**changes)
        for _ in range(2):
            driver.put_account(account)
            assert driver.read_account(account.login) == account

    def test_signing_in_sending_and_receiving_are_switched_apart(
        self, account: AccountState, driver: Driver
    ) -> None:
        for enabled, sends, receives in product([False, True], repeat=3):
            changed = replace(account, enabled=enabled, sends=sends, receives=receives)
            driver.put_account(changed)
            assert driver.read_account(account.login) == changed
            assert driver.read_accounts([account.login]) == {account.login: changed}

    def test_everything_of_an_account_can_change(self, account: AccountState, driver: Driver) -> None:
        changed = AccountState(account.login, f"new-{account.address}", OTHER_HASH, 2048, enabled=False)
        driver.put_account(changed)
        assert driver.read_account(account.login) == changed

    @pytest.mark.parametrize(
        "name",
        [
            "o'brien",
            '"; DROP TABLE mailbox; --',
            "100%_sure\\",
            "josé.žůžo",
            "李小龙",
            "👩‍💻",
            "a b",
            ":login",
            "x" * 200,
        ],
    )
    def test_names_are_kept_to_the_letter(self, name: str, driver: Driver) -> None:
        account = new_account(login=f"{name}-login", address=f"{name}@b.test")
        driver.put_account(account)
        assert driver.read_account(account.login) == account
        driver.remove_account(account.login)
        assert driver.read_account(account.login) is None

    def test_an_address_belongs_to_one_account(self, account: AccountState, driver: Driver) -> None:
        thief = new_account(address=account.address)
        with pytest.raises(Refused) as refusal:
            driver.put_account(thief)
        assert account.address in str(refusal.value)
        assert driver.read_account(thief.login) is None
        assert driver.read_account(account.login) == account

    def test_an_existing_account_cannot_take_an_address_over_either(
        self, account: AccountState, driver: Driver
    ) -> None:
        other = new_account()
        driver.put_account(other)
        with pytest.raises(Refused):
            driver.put_account(AccountState(other.login, account.address, OTHER_HASH, 0, enabled=True))
        assert driver.read_account(other.login) == other

    def test_one_accounts_login_is_not_anothers_address(self, driver: Driver) -> None:
        """People sign in with either."""
        first = new_account(login="both0001@a.test")
        driver.put_account(first)
        with pytest.raises(Refused):
            driver.put_account(new_account(address=first.login))
        with pytest.raises(Refused):
            driver.put_account(new_account(login=first.address))
        same = new_account(login="same0001@a.test", address="same0001@a.test")
        driver.put_account(same)
        assert driver.read_account(same.login) == same

    def test_a_new_account_is_made_once_and_the_second_try_does_no_harm(self, driver: Driver) -> None:
        account = new_account(is_new=True)
        for _ in range(2):
            driver.put_account(account)
            assert driver.read_account(account.login) == account

    def test_a_new_account_takes_over_nobody_elses(self, account: AccountState, driver: Driver) -> None:
        """Its login and its address are those of one that the portal has not adopted."""
        newcomer = replace(account, password_hash=OTHER_HASH, quota_bytes=4 * 1024 * 1024, is_new=True)
        with pytest.raises(Refused):
            driver.put_account(newcomer)
        assert driver.read_account(account.login) == account

    def test_a_removed_account_is_gone_and_its_address_free(
        self, account: AccountState, driver: Driver
    ) -> None:
        for _ in range(2):
            driver.remove_account(account.login)
            assert driver.read_account(account.login) is None
        heir = new_account(address=account.address)
        driver.put_account(heir)
        assert driver.read_account(heir.login) == heir

    def test_many_accounts_are_read_at_once(self, driver: Driver) -> None:
        accounts = [new_account(password_hash=hash, enabled=bool(hash)) for hash in (HASH, OTHER_HASH, "")]
        for account in accounts:
            driver.put_account(account)
        logins = [account.login for account in accounts]
        assert dict(driver.read_accounts([*logins, "nobody0001", "", "line\nbreak"])) == {
            account.login: account for account in accounts
        }
        assert dict(driver.read_accounts([])) == {}

    # --- scripts

    def test_without_a_script_there_is_none(self, account: AccountState, driver: Driver) -> None:
        assert driver.read_script(account.login) == OFF

    @pytest.mark.parametrize(
        "text",
        [
            SCRIPT.text,
            "keep;",
            "keep;\n\n",
            "",
            '\n\n# only words: ü 😀 \\ " ${x}\n',
            'require "fileinto";\nif false { fileinto text:\nkeep;\n..\n.\n;\n}\n',
            "# ----- from the portal -----\nkeep;\n# ----- end of the portal's part -----\n"
            'include :personal :optional "x";\n',
        ],
    )
    def test_a_script_is_held_to_the_letter(self, text: str, account: AccountState, driver: Driver) -> None:
        script = ScriptState(text, active=True)
        for _ in range(2):
            driver.put_script(account.login, script)
            assert driver.read_script(account.login) == script

    def test_a_new_script_replaces_the_old_one(self, account: AccountState, driver: Driver) -> None:
        driver.put_script(account.login, SCRIPT)
        driver.put_script(account.login, ScriptState("keep;\n", active=True))
        assert driver.read_script(account.login).text == "keep;\n"

    @pytest.mark.parametrize("before", [None, SCRIPT])
    def test_a_script_can_be_turned_off(
        self, before: ScriptState | None, account: AccountState, driver: Driver
    ) -> None:
        if before:
            driver.put_script(account.login, before)
        for _ in range(2):
            driver.put_script(account.login, OFF)
            assert driver.read_script(account.login) == OFF
        driver.put_script(account.login, SCRIPT)
        assert driver.read_script(account.login) == SCRIPT

    def test_many_scripts_are_read_at_once(self, account: AccountState, driver: Driver) -> None:
        others = [new_account() for _ in range(5)]
        for other in others:
            driver.put_account(other)
        sends_on = ScriptState('require "copy";\nredirect :copy "Boss@Elsewhere.test";\n', active=True)
        driver.put_script(account.login, SCRIPT)
        driver.put_script(others[0].login, sends_on)
        logins = [each.login for each in (account, *others)]
        reports = driver.read_scripts(logins, connections=3, seconds=30.0)
        assert dict(reports) == {
            account.login: ScriptReport(SCRIPT),
            others[0].login: ScriptReport(sends_on, ("boss@elsewhere.test",)),
            **{other.login: ScriptReport(OFF) for other in others[1:]},
        }

    # --- aliases

    def aliases_of(self, driver: Driver, domain: str) -> dict[str, tuple[str, ...]]:
        """A server may have made some by itself."""
        return {
            alias.address: tuple(sorted(alias.targets))
            for alias in driver.read_aliases(domain)
            if alias.address.startswith(("list", "@"))
        }

    def new_alias(self, account: AccountState, *further: str) -> AliasState:
        domain = account.address.rpartition("@")[2]
        return AliasState(f"list{next(_numbers):04}@{domain}", tuple(sorted((account.address, *further))))

    def test_an_alias_is_held_as_it_was_put(self, account: AccountState, driver: Driver) -> None:
        alias = self.new_alias(account, "x.y+z@elsewhere.test")
        domain = alias.address.rpartition("@")[2]
        assert driver.read_alias(alias.address) is None
        for _ in range(2):
            driver.put_alias(alias)
            held = driver.read_alias(alias.address)
            assert held is not None
            assert (held.address, tuple(sorted(held.targets))) == (alias.address, alias.targets)
            assert self.aliases_of(driver, domain)[alias.address] == alias.targets
        driver.put_alias(AliasState(alias.address, (account.address,)))
        assert driver.read_alias(alias.address) == AliasState(alias.address, (account.address,))

    def test_an_alias_can_be_removed(self, account: AccountState, driver: Driver) -> None:
        alias = self.new_alias(account)
        driver.put_alias(alias)
        for _ in range(2):
            driver.remove_alias(alias.address)
            assert driver.read_alias(alias.address) is None
        assert alias.address not in self.aliases_of(driver, alias.address.rpartition("@")[2])

    def test_a_catch_all_is_an_alias_without_a_name(self, account: AccountState, driver: Driver) -> None:
        if not driver.limits.catch_all:
            return
        rest = AliasState(f"@{account.address.rpartition('@')[2]}", (account.address,))
        driver.put_alias(rest)
        assert driver.read_alias(rest.address) == rest
        driver.remove_alias(rest.address)
        assert driver.read_alias(rest.address) is None

    def test_an_alias_never_takes_a_mailboxs_address(self, account: AccountState, driver: Driver) -> None:
        with pytest.raises(Refused) as refusal:
            driver.put_alias(AliasState(account.address, ("out@elsewhere.test",)))
        assert account.address in str(refusal.value)
        driver.remove_alias(account.address)
        assert driver.read_alias(account.address) is None
        assert driver.read_account(account.login) is not None

    @pytest.mark.parametrize("target", ["|/bin/sh", "/etc/passwd", ":include:/tmp/x", "a@b.test, |/bin/sh"])
    def test_an_alias_leads_to_no_program_and_no_file(
        self, target: str, account: AccountState, driver: Driver
    ) -> None:
        alias = self.new_alias(account)
        with pytest.raises(Refused):
            driver.put_alias(AliasState(alias.address, (target,)))
        assert driver.read_alias(alias.address) is None

    # --- sessions, usage, health

    @pytest.mark.parametrize("login", ["", "nobody0001"])
    def test_ending_sessions_is_quiet_when_there_are_none(
        self, login: str, account: AccountState, driver: Driver
    ) -> None:
        driver.end_sessions(login or account.login)

    def test_an_empty_mailbox_uses_nothing(self, account: AccountState, driver: Driver) -> None:
        usage = driver.usage(account.login)
        assert (usage.login, usage.bytes_used, usage.messages) == (account.login, 0, 0)
        assert usage.quota_bytes == account.quota_bytes

    def test_no_quota_reads_as_no_limit(self, driver: Driver) -> None:
        account = new_account(quota_bytes=0)
        driver.put_account(account)
        assert driver.usage(account.login).quota_bytes == 0

    def test_usage_of_a_mailbox_that_is_not_there(self, driver: Driver) -> None:
        with pytest.raises(TryAgain):
            driver.usage("nobody0001")

    def test_usages_are_those_of_the_domain(self, driver: Driver) -> None:
        inside = [
            new_account("usage.test"),
            new_account("Usage.Test"),
            new_account("usage.test", enabled=False),
        ]
        outside = [
            new_account("sub.usage.test"),
            new_account("xusage.test"),
            new_account("usage.test.x"),
            new_account("usage-test"),
            new_account("usage.test", enabled=False, receives=False),
        ]
        for account in inside + outside:
            driver.put_account(account)
        wanted = sorted(account.login for account in inside)
        assert sorted(usage.login for usage in driver.usages("usage.test")) == wanted
        assert sorted(usage.login for usage in driver.usages("USAGE.test")) == wanted
        assert list(driver.usages("%")) == list(driver.usages("usage_test")) == []

    def test_usages_go_on_behind_a_login(self, driver: Driver) -> None:
        accounts = [new_account("later.test") for _ in range(3)]
        for account in accounts:
            driver.put_account(account)
        # A server may have given each a login of its own.
        held = driver.read_accounts([account.login for account in accounts])
        logins = [held[account.login].kept_login or account.login for account in accounts]
        assert [usage.login for usage in driver.usages("later.test")] == logins
        assert [usage.login for usage in driver.usages("later.test", logins[0])] == logins[1:]
        assert list(driver.usages("later.test", logins[-1])) == []

    def test_an_empty_trash_can_be_emptied(self, account: AccountState, driver: Driver) -> None:
        if not driver.limits.empties_trash:
            with pytest.raises(Refused):
                driver.empty_trash(account.login, 2_000_000_000)
            return
        for _ in range(2):
            driver.empty_trash(account.login, 2_000_000_000)
            assert driver.trash(account.login, 2_000_000_000) == TrashState(0, 0)

    def test_trash_of_a_mailbox_that_is_not_there(self, driver: Driver) -> None:
        for call in (driver.trash, driver.empty_trash):
            with pytest.raises((TryAgain, Refused)):
                call("nobody0001", 2_000_000_000)

    def test_a_healthy_server_says_what_it_can(self, driver: Driver) -> None:
        driver.put_account(new_account())
        health = driver.check()
        assert health.version
        assert {"vacation", "include", "date", "relational"} <= health.sieve_extensions
