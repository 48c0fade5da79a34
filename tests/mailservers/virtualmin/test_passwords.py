"""Passwords on a server that takes no hash from the portal once a mailbox is there."""

from dataclasses import replace
from typing import Any

import pytest
from passlib.hash import sha512_crypt

from fleet.virtualmin import Virtualmin
from mailservers.drivers.base import AccountState, NewPassword, Refused
from mailservers.drivers.fitting import fit_account
from mailservers.drivers.virtualmin import VirtualminDriver
from tests.mailservers.drivers.contract import HASH

LOGIN = "anna@a.test"
CLEAR = "Pä$$ %+&=;\"' x --disable"
ARGON2 = "{ARGON2ID}$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"


def account(driver: VirtualminDriver, **changes: Any) -> AccountState:
    whole = AccountState(LOGIN, LOGIN, "", quota_bytes=0, enabled=True)
    return fit_account(replace(whole, **changes), driver.limits)


def opens(virtualmin: Virtualmin, clear: str) -> bool:
    user = virtualmin.state()["a.test"]["users"]["anna"]
    return bool(sha512_crypt.verify(clear, user["hash"])) and not user["disabled"]


def test_a_new_mailbox_gets_the_password_in_clear_text(driver: VirtualminDriver, virtualmin: Virtualmin):
    driver.put_account(account(driver, password_hash=ARGON2, new_password=NewPassword(1, CLEAR)))
    assert opens(virtualmin, CLEAR)


def test_a_hash_that_crypt_knows_makes_a_mailbox_too(driver: VirtualminDriver, virtualmin: Virtualmin):
    driver.put_account(account(driver, password_hash=HASH))
    assert virtualmin.state()["a.test"]["users"]["anna"]["hash"] == HASH.removeprefix("{SHA512-CRYPT}")


def test_a_mailbox_that_went_behind_our_back_is_not_made_anew_with_another_password(driver: VirtualminDriver):
    with pytest.raises(Refused, match="choose a new one"):
        driver.put_account(account(driver, password_hash=ARGON2))
    assert driver.read_account(LOGIN) is None


def test_without_a_password_nobody_signs_in(driver: VirtualminDriver, virtualmin: Virtualmin):
    driver.put_account(account(driver))
    assert not opens(virtualmin, "")


def test_a_password_changes_and_everything_else_stays(driver: VirtualminDriver, virtualmin: Virtualmin):
    driver.put_account(account(driver, password_hash=HASH, quota_bytes=4096))
    before = driver.read_account(LOGIN)
    assert before is not None
    driver.put_account(account(driver, quota_bytes=4096, new_password=NewPassword(1, CLEAR)))
    after = driver.read_account(LOGIN)
    assert after == before
    assert after is not None
    assert after.kept_hash != before.kept_hash
    assert opens(virtualmin, CLEAR)


def test_a_closed_mailbox_stays_closed(driver: VirtualminDriver, virtualmin: Virtualmin):
    driver.put_account(account(driver, password_hash=HASH, enabled=False))
    driver.put_account(account(driver, enabled=False, new_password=NewPassword(1, CLEAR)))
    assert virtualmin.state()["a.test"]["users"]["anna"]["disabled"]
    driver.put_account(account(driver))
    assert opens(virtualmin, CLEAR)


def test_an_erased_password_is_asked_for_again(driver: VirtualminDriver):
    driver.put_account(account(driver, password_hash=HASH))
    with pytest.raises(Refused, match="Please choose it again"):
        driver.put_account(account(driver, new_password=NewPassword(1, "")))


@pytest.mark.parametrize("clear", ["line\nbreak", "\r", "\x00", "half \ud800"])
def test_a_password_that_would_be_several_arguments_never_leaves(
    clear: str, driver: VirtualminDriver, virtualmin: Virtualmin
):
    driver.put_account(account(driver, password_hash=HASH))
    virtualmin.steer(forget_calls=True)
    with pytest.raises(Refused) as refusal:
        driver.put_account(account(driver, new_password=NewPassword(1, clear)))
    assert clear not in str(refusal.value)
    assert {call["program"] for call in virtualmin.calls()} == {"list-users"}


def test_a_password_is_in_no_representation():
    assert CLEAR not in repr(NewPassword(1, CLEAR))
    assert CLEAR not in repr(
        AccountState("a", "a@b", "", 0, enabled=True, new_password=NewPassword(1, CLEAR))
    )


def test_the_hash_and_the_password_the_server_keeps_in_clear_stay_out_of_sight(
    driver: VirtualminDriver, virtualmin: Virtualmin
):
    virtualmin.switch(hashed=False)
    virtualmin.create_domains("clear.test")
    virtualmin.call("create-user", domain="clear.test", user="anna", **{"pass": CLEAR})
    found = list(driver.mailboxes("clear.test"))
    assert found[0].account.login == "anna.clear"
    assert CLEAR not in repr(found)
    assert found[0].account.kept_hash not in repr(found)
