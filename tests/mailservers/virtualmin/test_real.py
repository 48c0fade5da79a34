"""One life of a mailbox on a real Virtualmin that the environment names (docs/virtualmin.md), else simulated.

Only mailboxes and aliases whose names begin with `portal-test-` come and go, in the one domain that is named.
"""

import ctypes
import os
import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fleet.virtualmin import Virtualmin
from mailservers.drivers.base import (
    AccountState,
    AliasState,
    ForwardRule,
    FoundMailbox,
    MailRules,
    NewPassword,
    ReplyRule,
    ScriptState,
)
from mailservers.drivers.fitting import fit_account, fit_script
from mailservers.drivers.virtualmin import VirtualminDriver

OURS = "portal-test-"
MEGABYTE = 1024 * 1024

# A write takes a real server up to three seconds.
pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def domain() -> str:
    return os.environ.get("VIRTUALMIN_DOMAIN", "a.test")


@pytest.fixture
def real(request: pytest.FixtureRequest, domain: str) -> Iterator[VirtualminDriver]:
    if "VIRTUALMIN_URL" not in os.environ:
        virtualmin: Virtualmin = request.getfixturevalue("virtualmin")
        virtualmin.call("create-user", domain=domain, user="somebody", real="Else", **{"pass": "x"})
        endpoints, credentials = virtualmin.endpoints(), virtualmin.credentials()
    else:
        endpoints = {
            "url": os.environ["VIRTUALMIN_URL"],
            "time_zone": os.environ["VIRTUALMIN_ZONE"],
            "quotas": os.environ.get("VIRTUALMIN_QUOTAS", "yes") != "no",
        }
        for name, variable in (("ca_file", "VIRTUALMIN_CA"), ("tls_name", "VIRTUALMIN_TLS_NAME")):
            if os.environ.get(variable):
                endpoints[name] = os.environ[variable]
        credentials = {
            "user": os.environ["VIRTUALMIN_USER"],
            "password": os.environ["VIRTUALMIN_PASSWORD"],
        }
    driver = VirtualminDriver(endpoints, credentials)
    yield driver
    for mailbox in list(driver.mailboxes(domain)):
        if mailbox.account.address.startswith(OURS):
            driver.remove_account(mailbox.account.address)
    for alias in list(driver.aliases(domain)):
        if alias.address.startswith(OURS):
            driver.remove_alias(alias.address)
    driver.close()


def others(driver: VirtualminDriver, domain: str) -> tuple[list[FoundMailbox], list[AliasState]]:
    """What is none of these tests' business."""
    return (
        [box for box in driver.mailboxes(domain) if not box.account.address.startswith(OURS)],
        [alias for alias in driver.aliases(domain) if not alias.address.startswith(OURS)],
    )


def is_hash_of(password: str, kept_hash: str) -> bool:
    """By the system's own library: a real server may use yescrypt, which passlib does not know."""
    bare = kept_hash.partition("}")[2].encode()
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    return library.crypt(password.encode(), bare) == bare


def test_one_life_of_a_mailbox(real: VirtualminDriver, domain: str):
    driver, zone = real, ZoneInfo(os.environ.get("VIRTUALMIN_ZONE", "Europe/Brussels"))
    assert driver.check().version.startswith("Virtualmin ")
    assert domain in driver.domains()
    before = others(driver, domain)

    address = f"{OURS}{secrets.token_hex(4)}@{domain}"
    account = fit_account(
        AccountState(
            login=address,
            address=address,
            password_hash="",
            quota_bytes=MEGABYTE,
            enabled=True,
            name="Zoë Test",
            recovery_address="zoe+test@example.org",
            new_password=NewPassword(1, 'first "Über" & + canary'),
        ),
        driver.limits,
    )
    driver.put_account(account)
    held = driver.read_account(address)
    assert held == account
    assert is_hash_of('first "Über" & + canary', held.kept_hash)
    assert driver.read_account(held.kept_login) == replace(account, login=held.kept_login)

    changed = replace(account, name="Another Name", quota_bytes=2 * MEGABYTE, new_password=None)
    changed = replace(fit_account(changed, driver.limits), kept_hash="")
    for wanted in (changed, replace(changed, enabled=False), changed):
        driver.put_account(wanted)
        assert driver.read_account(address) == wanted
    driver.put_account(replace(changed, new_password=NewPassword(2, "second canary, with a comma")))
    renewed = driver.read_account(address)
    assert renewed is not None
    assert is_hash_of("second canary, with a comma", renewed.kept_hash)
    assert driver.usage(address).bytes_used >= 0

    today = datetime.now(zone)
    rules = [
        MailRules(ReplyRule("Hallo,\nbis Montag: “à bientôt”.", days=3), ForwardRule()),
        MailRules(
            ReplyRule("Weg.", starts=today, ends=today + timedelta(days=9)),
            ForwardRule(("a@example.org", "b@example.org"), keep_copy=True),
        ),
        MailRules(None, ForwardRule(("a@example.org",), keep_copy=False)),
        MailRules(None, ForwardRule()),
    ]
    for each in rules:
        script = fit_script(ScriptState("", active=True, rules=each), driver.limits)
        for _ in range(2):
            driver.put_script(address, script)
            assert driver.read_script(address) == script

    alias = AliasState(f"{OURS}{secrets.token_hex(4)}@{domain}", tuple(sorted((address, "x@example.org"))))
    driver.put_alias(alias)
    assert alias in [AliasState(a.address, tuple(sorted(a.targets))) for a in driver.aliases(domain)]
    driver.remove_alias(alias.address)
    assert others(driver, domain) == before

    driver.remove_account(address)
    assert driver.read_account(address) is None
    assert others(driver, domain) == before
