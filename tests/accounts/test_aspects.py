from dataclasses import replace

import pytest

from accounts.aspects import account_differences, desired_account, put_account
from mailservers.drivers.base import TryAgain
from mailservers.drivers.memory import MemoryDriver


def test_a_new_account_has_no_sessions_to_end(mailbox):
    put_account(MemoryDriver(), mailbox.login, desired_account(mailbox))
    assert MemoryDriver.ended_sessions == []


def test_a_changed_account_loses_its_open_sessions(mailbox):
    put_account(MemoryDriver(), mailbox.login, desired_account(mailbox))
    put_account(MemoryDriver(), mailbox.login, replace(desired_account(mailbox), enabled=False))
    assert MemoryDriver.ended_sessions == ["example0001"]


def test_if_ending_them_fails_another_try_ends_them(mailbox):
    put_account(MemoryDriver(), mailbox.login, desired_account(mailbox))
    MemoryDriver.failures.extend([None, None, TryAgain("Busy.")])
    with pytest.raises(TryAgain):
        put_account(MemoryDriver(), mailbox.login, desired_account(mailbox))
    put_account(MemoryDriver(), mailbox.login, desired_account(mailbox))
    assert MemoryDriver.ended_sessions == ["example0001"]


def test_a_deleted_mailbox_is_switched_off(mailbox):
    mailbox.deleted_at = "2026-11-24T00:00:00Z"
    assert not desired_account(mailbox).enabled


def test_differences_name_values_but_never_a_hash(mailbox):
    wanted = desired_account(mailbox)
    told = account_differences(wanted, replace(wanted, quota_bytes=7, password_hash="{X}secret"))
    assert told == ["quota: 7", "another password"]
