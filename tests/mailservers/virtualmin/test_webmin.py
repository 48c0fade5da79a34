"""Plain Webmin, by its remote procedure calls: users, passwords and aliases, and nobody else's line."""

from dataclasses import replace
from typing import Any

import pytest

from fleet.virtualmin import Virtualmin
from mailservers.drivers import open_driver, webmin_rpc
from mailservers.drivers.base import (
    AccountState,
    AliasState,
    ConfigurationError,
    MailRules,
    Refused,
    ReplyRule,
    ScriptState,
    ServerAway,
    TryAgain,
)
from mailservers.drivers.fitting import fit_account, fit_script
from mailservers.drivers.webmin import WebminDriver
from tests.mailservers.drivers.contract import HASH, OTHER_HASH


@pytest.fixture
def driver(virtualmin: Virtualmin) -> WebminDriver:
    return WebminDriver(endpoints(virtualmin), virtualmin.credentials())


def endpoints(virtualmin: Virtualmin, **changes: Any) -> dict[str, Any]:
    return {"url": virtualmin.url, "ca_file": str(virtualmin.ca_file), "mail_domain": "plain.test"} | changes


def account(login: str = "anna", **changes: Any) -> AccountState:
    whole = AccountState(login, f"{login}@plain.test", HASH, 0, enabled=True, name="Anna Ä")
    return fit_account(replace(whole, **changes), WebminDriver.limits)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"enabled": False},
        {"enabled": False, "sends": False, "receives": False},
        {"password_hash": ""},
        {"name": ""},
        {"quota_bytes": 5},
    ],
)
def test_an_account_is_held_as_it_was_put(changes: dict[str, Any], driver: WebminDriver):
    wanted = account(**changes)
    for _ in range(2):
        driver.put_account(wanted)
        assert driver.read_account("anna") == wanted
    assert driver.read_accounts(["anna", "bert"]) == {"anna": wanted}


def test_passwords_change_by_their_hash(driver: WebminDriver, virtualmin: Virtualmin):
    driver.put_account(account())
    driver.put_account(account(password_hash=OTHER_HASH, enabled=False))
    anna = virtualmin.unix()["users"][-1]
    assert anna["pass"] == "!" + OTHER_HASH.removeprefix("{BLF-CRYPT}")
    with pytest.raises(Refused, match="choose a new one"):
        driver.put_account(account(password_hash="{ARGON2ID}$argon2id$x"))


def test_each_has_a_number_of_its_own_and_goes_alone(driver: WebminDriver, virtualmin: Virtualmin):
    before = virtualmin.unix()["users"]
    for login in ("anna", "bert", "carl"):
        driver.put_account(account(login))
    assert [user["uid"] for user in virtualmin.unix()["users"][-3:]] == [5000, 5001, 5002]
    for _ in range(2):
        driver.remove_account("bert")
        assert driver.read_account("bert") is None
    driver.remove_account("anna")
    driver.remove_account("carl")
    assert virtualmin.unix()["users"] == before


@pytest.mark.parametrize("login", ["root", "daemon"])
def test_the_systems_own_accounts_are_out_of_reach(login: str, driver: WebminDriver):
    assert driver.read_account(login) is None
    for call in (lambda: driver.put_account(account(login)), lambda: driver.remove_account(login)):
        with pytest.raises(Refused, match="belongs to the mail server's system"):
            call()


@pytest.mark.parametrize("login", ["", "a b", "Anna", "1st", "a:b", "a\nroot::0:0:::", "x" * 33, "josé"])
def test_names_that_would_break_the_lines_never_leave(
    login: str, driver: WebminDriver, virtualmin: Virtualmin
):
    before = virtualmin.unix()
    with pytest.raises(Refused):
        driver.put_account(account(login))
    assert virtualmin.unix() == before


def test_a_name_cannot_hold_another_field(driver: WebminDriver):
    driver.put_account(account(name="Anna:0:0\nroot"))
    held = driver.read_account("anna")
    assert held is not None
    assert held.name == "Anna 0 0 root"


def test_letters_that_another_program_wrote_otherwise_hide_no_other_user(
    driver: WebminDriver, monkeypatch: pytest.MonkeyPatch
):
    driver.put_account(account("bert", name="Bert Ö"))
    with monkeypatch.context() as sent_as_it_is:
        sent_as_it_is.setattr(webmin_rpc, "_as_bytes", lambda value: value)
        driver.put_account(account("anna", name="Anna Ä"))
    found = driver.read_accounts(["anna", "bert"])
    assert [found[login].name for login in ("anna", "bert")] == ["Anna \N{REPLACEMENT CHARACTER}", "Bert Ö"]
    driver.put_account(account("anna", name="Anna Ä"))
    assert driver.read_account("anna") == account("anna", name="Anna Ä")


def test_an_address_elsewhere_is_refused(driver: WebminDriver):
    with pytest.raises(Refused, match=r"always anna@plain\.test"):
        driver.put_account(account(address="anna@other.test"))


def test_somebody_elses_change_in_between_stops_it(
    driver: WebminDriver, virtualmin: Virtualmin, monkeypatch: pytest.MonkeyPatch
):
    for login in ("anna", "bert"):
        driver.put_account(account(login))
    run = driver._rpc.run

    def late(function: str, *parameters: Any) -> None:
        # Just before our call another administrator deletes the line above.
        monkeypatch.setattr(driver._rpc, "run", run)
        WebminDriver(endpoints(virtualmin), virtualmin.credentials()).remove_account("anna")
        driver.put_account(account("dora"))
        run(function, *parameters)

    monkeypatch.setattr(driver._rpc, "run", late)
    with pytest.raises(Refused, match="An administrator has to look"):
        driver.put_account(account("bert", name="Changed"))


def test_aliases(driver: WebminDriver):
    driver.put_account(account())
    info = AliasState("info@plain.test", ("anna@plain.test", "out@elsewhere.test"))
    for _ in range(2):
        driver.put_alias(info)
        assert info in list(driver.aliases("plain.test"))
    driver.put_alias(AliasState("info@plain.test", ("anna",)))
    assert AliasState("info@plain.test", ("anna@plain.test",)) in list(driver.aliases("plain.test"))
    with pytest.raises(Refused, match="info@plain"):
        driver.put_account(account("info"))
    for _ in range(2):
        driver.remove_alias("info@plain.test")
    assert [alias.address for alias in driver.aliases("plain.test")] == ["postmaster@plain.test"]
    for bad in (
        AliasState("anna@plain.test", ("x@y.test",)),
        AliasState("a@other.test", ("x@y.test",)),
        AliasState("pipe@plain.test", ("|/bin/sh",)),
        AliasState("file@plain.test", ("/etc/passwd",)),
        AliasState("more@plain.test", ("x@y.test\nroot: me",)),
    ):
        with pytest.raises(Refused):
            driver.put_alias(bad)


def test_what_it_cannot_do_is_said(driver: WebminDriver):
    with pytest.raises(Refused, match="cannot answer automatically"):
        fit_script(ScriptState("x", active=True, rules=MailRules(ReplyRule("Away."))), driver.limits)
    off = fit_script(ScriptState("", active=False, rules=MailRules()), driver.limits)
    driver.put_script("anna", off)
    assert driver.read_script("anna") == off
    for call in (driver.end_sessions, driver.usage):
        with pytest.raises(Refused):
            call("anna")
    assert list(driver.usages("plain.test")) == []


def test_what_is_there_can_be_taken_over(driver: WebminDriver):
    driver.put_account(account())
    assert driver.domains() == ["plain.test"]
    assert [found.account for found in driver.mailboxes("plain.test")] == [account()]


def test_troubles(driver: WebminDriver, virtualmin: Virtualmin):
    assert driver.check().version == "Webmin"
    virtualmin.steer(viewers={"viewer": "secret"})
    viewer = WebminDriver(endpoints(virtualmin), {"user": "viewer", "password": "secret"})
    with pytest.raises(ServerAway, match="may not make remote procedure calls"):
        viewer.check()
    wrong = WebminDriver(endpoints(virtualmin), {"user": "portal", "password": "wrong"})
    with pytest.raises(ServerAway, match="user or password"):
        wrong.check()
    with pytest.raises(ServerAway, match="lacks the module nothing"):
        driver._rpc.ask("nothing::here")
    with pytest.raises(TryAgain, match="could not carry out useradmin::nothing"):
        driver._rpc.ask("useradmin::nothing")


@pytest.mark.parametrize(
    "changes", [{"mail_domain": ""}, {"first_uid": 0}, {"first_uid": "x"}, {"time_zone": "UTC"}]
)
def test_settings_that_cannot_be_used(changes: dict[str, Any], virtualmin: Virtualmin):
    with pytest.raises(ConfigurationError):
        open_driver("webmin", endpoints(virtualmin, **changes), virtualmin.credentials())
