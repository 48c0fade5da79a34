"""The memory driver keeps the contract, and what tests ask of it beyond."""

import pytest

from mailservers.drivers.base import Driver, ScriptState, TryAgain
from mailservers.drivers.memory import MemoryDriver
from mailservers.drivers.portal_script import PortalScript, compose
from tests.mailservers.drivers.contract import OFF, SCRIPT, DriverContract, new_account


@pytest.fixture(autouse=True)
def _nothing_remembered() -> None:
    MemoryDriver.reset()


@pytest.fixture
def driver() -> Driver:
    return MemoryDriver()


class TestContract(DriverContract):
    pass


def test_all_instances_remember_the_same() -> None:
    account = new_account()
    MemoryDriver().put_account(account)
    MemoryDriver().put_script(account.login, SCRIPT)
    assert MemoryDriver.accounts == {account.login: account}
    assert MemoryDriver.scripts == {account.login: SCRIPT}
    MemoryDriver().put_script(account.login, OFF)
    assert MemoryDriver.scripts == {account.login: OFF}
    MemoryDriver.reset()
    assert MemoryDriver().read_account(account.login) is None


def test_calls_fail_as_told_and_in_order(driver: Driver) -> None:
    account = new_account()
    MemoryDriver.failures += [TryAgain("The server is away."), None, RuntimeError("odd")]
    with pytest.raises(TryAgain, match="away"):
        driver.put_account(account)
    assert driver.read_account(account.login) is None
    with pytest.raises(RuntimeError):
        driver.put_account(account)
    driver.put_account(account)
    assert driver.read_account(account.login) == account


def test_mail_and_ended_sessions_can_be_seen(driver: Driver) -> None:
    account = new_account()
    driver.put_account(account)
    MemoryDriver.mail[account.login] = (5000, 3)
    assert (driver.usage(account.login).bytes_used, driver.usage(account.login).messages) == (5000, 3)
    driver.end_sessions(account.login)
    assert MemoryDriver.ended_sessions == [account.login]


def test_a_rule_that_somebody_put_into_the_portals_script_is_kept_as_on_a_real_server(driver: Driver) -> None:
    account = new_account()
    driver.put_account(account)
    rule = '# rule:[News]\nif header "subject" "news" { fileinto "News"; }\n'
    whole = compose(PortalScript(SCRIPT.text, "")) + rule
    for wanted in (SCRIPT, OFF, SCRIPT):
        MemoryDriver.scripts[account.login] = ScriptState(whole, active=True)
        driver.put_script(account.login, wanted)
        assert driver.read_script(account.login) == wanted
        assert MemoryDriver.own_scripts[account.login].count(rule) == 1
        assert SCRIPT.text not in MemoryDriver.own_scripts[account.login]
