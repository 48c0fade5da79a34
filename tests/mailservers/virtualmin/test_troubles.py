"""Every kind of trouble is told in words, and never leaves a change half done or done twice."""

import time
from dataclasses import replace

import pytest

from fleet.certificates import CertificateAuthority
from fleet.ports import reserve_port
from fleet.virtualmin import Virtualmin
from mailservers.drivers import open_driver
from mailservers.drivers.base import (
    AccountState,
    AliasState,
    ConfigurationError,
    Refused,
    ServerAway,
    TryAgain,
)
from mailservers.drivers.fitting import fit_account
from mailservers.drivers.virtualmin import VirtualminDriver

LOGIN = "anna@a.test"


@pytest.fixture
def anna(driver: VirtualminDriver) -> AccountState:
    account = fit_account(AccountState(LOGIN, LOGIN, "", 1024 * 1024, enabled=True), driver.limits)
    driver.put_account(account)
    return account


def another(virtualmin: Virtualmin, **changes: object) -> VirtualminDriver:
    return VirtualminDriver(virtualmin.endpoints() | changes, virtualmin.credentials())


# What a call meets, whether all mailboxes on the server are concerned, and what is said.
TROUBLES = [
    ("html", True, "a page in place of data"),
    ("login", True, "a page in place of data"),
    ("redirect", True, "elsewhere, as to a sign-in page"),
    ("503", True, "HTTP 503"),
    ("cut", False, "cut off"),
    ("array", False, "does not know"),
    ("hang-up", False, "broke off"),
    ("disk-full", False, "disk is full"),
]


@pytest.mark.parametrize(("fault", "away", "words"), TROUBLES, ids=[trouble[0] for trouble in TROUBLES])
@pytest.mark.parametrize("program", ["list-users", "modify-user"])
def test_trouble(
    fault: str,
    away: bool,
    words: str,
    program: str,
    anna: AccountState,
    driver: VirtualminDriver,
    virtualmin: Virtualmin,
):
    changed = replace(anna, name="Changed")
    virtualmin.switch(faults=[fault, fault], fault_program=program)
    with pytest.raises(TryAgain, match=words) as trouble:
        driver.put_account(changed)
    assert isinstance(trouble.value, ServerAway) == away
    virtualmin.switch(faults=[])
    driver.put_account(changed)
    assert driver.read_account(LOGIN) == changed


@pytest.mark.parametrize("fault", ["cut", "hang-up"])
def test_reading_is_tried_twice_and_writing_once(
    fault: str, anna: AccountState, driver: VirtualminDriver, virtualmin: Virtualmin
):
    virtualmin.switch(faults=[fault])
    assert driver.read_account(LOGIN) == anna
    virtualmin.switch(faults=[fault], fault_program="modify-user")
    virtualmin.steer(forget_calls=True)
    with pytest.raises(TryAgain):
        driver.put_account(replace(anna, name="Changed"))
    assert [call["program"] for call in virtualmin.calls()] == ["list-users", "modify-user"]


def test_wrong_credentials_are_tried_once_as_five_would_lock_everybody_out(virtualmin: Virtualmin):
    driver = VirtualminDriver(virtualmin.endpoints(), {"user": "portal", "password": "wrong"})
    for _ in range(8):
        with pytest.raises(ServerAway, match="user or password"):
            driver.read_account(LOGIN)
    assert another(virtualmin).check()
    virtualmin.switch(block_after=1)
    with pytest.raises(ServerAway):
        VirtualminDriver(virtualmin.endpoints(), {"user": "portal", "password": "wrong"}).check()
    with pytest.raises(ServerAway, match="does not let the portal's address in"):
        another(virtualmin).check()
    virtualmin.steer(unblock=True)


def test_a_user_without_rights(virtualmin: Virtualmin):
    virtualmin.steer(viewers={"viewer": "secret"})
    viewer = VirtualminDriver(virtualmin.endpoints(), {"user": "viewer", "password": "secret"})
    with pytest.raises(ServerAway, match="may lack the right to Virtualmin"):
        viewer.check()
    owner = VirtualminDriver(virtualmin.endpoints(), {"user": "a", "password": "only the simulation's"})
    with pytest.raises(ServerAway, match="may not run the program info"):
        owner.check()


def test_a_server_that_is_away(virtualmin: Virtualmin):
    with pytest.raises(ServerAway, match="cannot be reached"):
        another(virtualmin, url=f"https://localhost:{reserve_port()}").read_account(LOGIN)


def test_a_server_with_another_certificate(virtualmin: Virtualmin, tmp_path):
    foreign = CertificateAuthority(tmp_path)
    with pytest.raises(ServerAway, match="not trusted"):
        another(virtualmin, ca_file=str(foreign.ca_file)).check()


def test_a_certificate_with_another_name(virtualmin: Virtualmin):
    assert another(virtualmin, tls_name="virtualmin.test").check()
    with pytest.raises(ServerAway, match="not trusted"):
        another(virtualmin, tls_name="elsewhere.test").check()


@pytest.mark.parametrize("fault", ["slow", "drip"])
def test_a_slow_answer_is_not_waited_for(fault: str, anna: AccountState, virtualmin: Virtualmin):
    hasty = another(virtualmin, read_seconds=0.6)
    virtualmin.switch(faults=[fault, fault])
    began = time.monotonic()
    with pytest.raises(TryAgain, match="in time"):
        hasty.read_account(LOGIN)
    assert time.monotonic() - began < 2.5


def test_a_change_that_nobody_waited_for_is_found_done(
    anna: AccountState, driver: VirtualminDriver, virtualmin: Virtualmin
):
    changed = replace(anna, name="Changed")
    virtualmin.switch(write_seconds=0.8)
    with pytest.raises(TryAgain, match="in time"):
        another(virtualmin, write_seconds=0.3).put_account(changed)
    new = fit_account(AccountState("new@a.test", "new@a.test", "", 0, enabled=True), driver.limits)
    with pytest.raises(TryAgain, match="in time"):
        another(virtualmin, write_seconds=0.1).put_account(new)
    virtualmin.switch(write_seconds=0.0)
    time.sleep(1.7)
    virtualmin.steer(forget_calls=True)
    driver.put_account(changed)
    driver.put_account(new)
    assert {call["program"] for call in virtualmin.calls()} == {"list-users"}


def test_lines_of_the_servers_log_among_the_answers(driver: VirtualminDriver, virtualmin: Virtualmin):
    virtualmin.switch(noise=True)
    account = fit_account(AccountState(LOGIN, LOGIN, "", 2**20, enabled=True), driver.limits)
    driver.put_account(account)
    assert driver.read_account(LOGIN) == account
    assert "a.test" in driver.domains()
    with pytest.raises(Refused, match="larger than that of the whole domain"):
        driver.put_account(replace(account, quota_bytes=2**50))
    assert driver.check().version == "Virtualmin 8.1.0 Webmin 2.660"


def test_a_server_that_speaks_german(anna: AccountState, driver: VirtualminDriver, virtualmin: Virtualmin):
    virtualmin.switch(language="de")
    driver.put_account(replace(anna, quota_bytes=0))
    assert driver.read_account(LOGIN) == replace(anna, quota_bytes=0)
    virtualmin.call("create-alias", domain="a.test", **{"from": "info", "to": LOGIN})
    with pytest.raises(Refused, match=r"info@a\.test"):
        driver.put_account(replace(anna, login="info@a.test", address="info@a.test"))


def test_a_user_removed_behind_our_back(anna: AccountState, driver: VirtualminDriver, virtualmin: Virtualmin):
    virtualmin.call("delete-user", domain="a.test", user="anna")
    assert driver.read_account(LOGIN) is None
    driver.remove_account(LOGIN)
    driver.put_account(anna)
    assert driver.read_account(LOGIN) == anna


def test_a_domain_that_is_not_there(driver: VirtualminDriver):
    account = fit_account(
        AccountState("a@nowhere.test", "a@nowhere.test", "", 0, enabled=True), driver.limits
    )
    assert driver.read_account("a@nowhere.test") is None
    with pytest.raises(Refused, match=r"The domain nowhere\.test is not on the mail server"):
        driver.put_account(account)


@pytest.mark.parametrize("at_style", [False, True])
def test_the_same_name_in_two_domains(at_style: bool, driver: VirtualminDriver, virtualmin: Virtualmin):
    virtualmin.switch(at_style=at_style)
    virtualmin.create_domains("one.test", "two.test")
    for domain in ("one", "two"):
        virtualmin.call("create-user", domain=f"{domain}.test", user="anna", real=domain, **{"pass": "x"})
    for domain in ("one", "two"):
        login = f"anna@{domain}.test" if at_style else f"anna.{domain}"
        for name in (f"anna@{domain}.test", login):
            account = driver.read_account(name)
            assert account is not None
            assert (account.name, account.kept_login) == (domain, login)
    driver.remove_account("anna@one.test")
    assert driver.read_account("anna@two.test") is not None


def test_a_server_without_quotas(virtualmin: Virtualmin):
    virtualmin.switch(quotas=False)
    driver = another(virtualmin, quotas=False)
    account = fit_account(AccountState(LOGIN, LOGIN, "", 2**20, enabled=True), driver.limits)
    driver.put_account(account)
    assert driver.read_account(LOGIN) == account
    assert account.quota_bytes == 0
    assert (driver.usage(LOGIN).bytes_used, driver.usage(LOGIN).quota_bytes) == (0, None)
    with pytest.raises(TryAgain, match="has no quotas"):
        another(virtualmin).put_account(account)


def test_aliases(anna: AccountState, driver: VirtualminDriver, virtualmin: Virtualmin):
    info = AliasState("info@a.test", ("anna@a.test", "out@elsewhere.test"))
    rest = AliasState("@a.test", ("anna@a.test",))
    for alias in (info, rest):
        for _ in range(2):
            driver.put_alias(alias)
            assert alias in list(driver.aliases("a.test"))
    driver.put_alias(AliasState("info@a.test", ("anna@a.test",)))
    assert AliasState("info@a.test", ("anna@a.test",)) in list(driver.aliases("a.test"))
    virtualmin.call("modify-user", domain="a.test", user="anna", **{"add-email": "second@a.test"})
    assert "second@a.test" not in {alias.address for alias in driver.aliases("a.test")}
    with pytest.raises(Refused, match=LOGIN):
        driver.put_alias(AliasState(LOGIN, ("out@elsewhere.test",)))
    driver.remove_alias(LOGIN)
    account = driver.read_account(LOGIN)
    assert account is not None
    assert account.address == LOGIN
    for alias in (info, rest):
        for _ in range(2):
            driver.remove_alias(alias.address)
            assert alias.address not in {each.address for each in driver.aliases("a.test")}
    with pytest.raises(Refused):
        driver.put_alias(AliasState("pipe@a.test", ("|/bin/x",)))


def test_a_further_address_of_a_mailbox_is_an_alias_as_well(
    anna: AccountState, driver: VirtualminDriver, virtualmin: Virtualmin
):
    second = AliasState("second@a.test", (LOGIN,))
    virtualmin.call("modify-user", domain="a.test", user="anna", **{"add-email": second.address})
    assert driver.read_alias(second.address) == second
    assert second in list(driver.read_aliases("a.test"))
    driver.put_alias(second)
    assert second.address not in {alias.address for alias in driver.aliases("a.test")}  # as it was
    elsewhere = AliasState(second.address, ("out@elsewhere.test",))
    driver.put_alias(elsewhere)
    assert driver.read_alias(second.address) == elsewhere
    virtualmin.call("modify-user", domain="a.test", user="anna", **{"add-email": "third@a.test"})
    driver.remove_alias("third@a.test")
    assert driver.read_alias("third@a.test") is None


@pytest.mark.parametrize(
    ("endpoints", "words"),
    [
        ({"url": "http://h:10000"}, "https://HOST:10000"),
        ({"url": "https://u:p@h:10000"}, "https://HOST:10000"),
        ({"url": "https://h/path"}, "https://HOST:10000"),
        ({"url": None}, "url is missing"),
        ({"time_zone": "Mars/Base"}, "no time zone"),
        ({"time_zone": ""}, "time_zone is missing"),
        ({"quotas": "yes"}, "quotas must be true or false"),
        ({"sql_url": "x"}, "Virtualmin server has no use for"),
        ({"write_seconds": 0}, "write_seconds"),
        ({"ca_file": "/nowhere"}, "no file"),
    ],
)
def test_settings_that_cannot_be_used(endpoints: dict[str, object], words: str):
    whole = {"url": "https://h:10000", "time_zone": "UTC"} | endpoints
    with pytest.raises(ConfigurationError, match=words):
        open_driver("virtualmin", whole, {"user": "u", "password": "p"})


@pytest.mark.parametrize(
    "credentials",
    [{}, {"user": "u"}, {"user": "a:b", "password": "p"}, {"user": "u", "password": "p", "key": "k"}],
)
def test_credentials_that_cannot_be_used(credentials: dict[str, object]):
    with pytest.raises(ConfigurationError):
        open_driver("virtualmin", {"url": "https://h:10000", "time_zone": "UTC"}, credentials)
