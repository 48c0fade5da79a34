"""A server with Virtualmin for accounts and ManageSieve for scripts: each part is asked for its own."""

import pytest

from fleet.dovecot import Dovecot
from fleet.virtualmin import Virtualmin
from mailservers.drivers import open_driver
from mailservers.drivers.base import AccountState, ConfigurationError, MailRules, ReplyRule, ScriptState
from mailservers.drivers.dovecot import DovecotDriver
from mailservers.drivers.fitting import fit_account, fit_script
from mailservers.drivers.virtualmin import VirtualminDriver
from tests.mailservers.drivers.contract import HASH

TEXT = 'require ["vacation"];\nvacation "Away.";\n'


def endpoints(virtualmin: Virtualmin, dovecot: Dovecot) -> dict[str, object]:
    return virtualmin.endpoints() | {
        "sieve_host": "localhost",
        "sieve_port": dovecot.ports["sieve"],
        "sieve_ca_file": str(dovecot.ca_file),
    }


def credentials(virtualmin: Virtualmin, dovecot: Dovecot) -> dict[str, str]:
    return virtualmin.credentials() | {
        "sieve_master_user": dovecot.master_user,
        "sieve_master_password": dovecot.master_password,
    }


@pytest.fixture
def driver(virtualmin: Virtualmin, dovecot_with_sqlite: Dovecot) -> VirtualminDriver:
    return VirtualminDriver(
        endpoints(virtualmin, dovecot_with_sqlite), credentials(virtualmin, dovecot_with_sqlite)
    )


@pytest.fixture
def anna(driver: VirtualminDriver, virtualmin: Virtualmin, dovecot_with_sqlite: Dovecot) -> str:
    """On the simulated Virtualmin, and on the real Dovecot that would stand behind it, by the same login."""
    login = "anna.a"
    virtualmin.call("create-user", domain="a.test", user="anna", **{"pass": "x"})
    behind = DovecotDriver(dovecot_with_sqlite.endpoints(), dovecot_with_sqlite.credentials())
    behind.put_account(AccountState(login, "anna@a.test", HASH, 0, enabled=True))
    return login


def test_a_script_with_a_subject_and_a_time_of_day_runs_there(anna, driver, virtualmin):
    whole = ScriptState(TEXT, active=True, rules=MailRules(ReplyRule("Away.", subject="Hello")))
    wanted = fit_script(whole, driver.limits)
    assert wanted == ScriptState(TEXT, active=True)
    with driver.session(anna):
        driver.put_script(anna, wanted)
        assert driver.read_script(anna) == wanted
    assert driver.read_scripts([anna], connections=1, seconds=5)[anna].script == wanted
    assert not virtualmin.state()["a.test"]["users"]["anna"]["reply"]["on"]
    driver.put_script(anna, ScriptState("", active=False))
    assert driver.read_script(anna) == ScriptState("", active=False)


def test_accounts_stay_virtualmins(anna, driver):
    account = driver.read_account(anna)
    assert account is not None
    assert account.kept_login == anna
    assert not driver.limits.takes_hashes
    driver.put_account(fit_account(AccountState(anna, "anna@a.test", "", 2048, enabled=True), driver.limits))
    assert driver.read_account(anna).quota_bytes == 2048


def test_both_parts_are_looked_after(anna, driver):
    health = driver.check()
    assert "Virtualmin 8.1.0" in health.version
    assert "Dovecot" in health.version
    assert "vacation" in health.sieve_extensions


@pytest.mark.parametrize("lacking", ["sieve_port", "sieve_master_user", "sieve_master_password"])
def test_half_a_managesieve_cannot_be_used(lacking, virtualmin, dovecot_with_sqlite):
    where = endpoints(virtualmin, dovecot_with_sqlite)
    secrets = credentials(virtualmin, dovecot_with_sqlite)
    where.pop(lacking, None)
    secrets.pop(lacking, None)
    with pytest.raises(ConfigurationError, match=lacking):
        open_driver("virtualmin", where, secrets)
