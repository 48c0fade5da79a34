"""What strangers sent is worked on by a process that can take no more than it may."""

import json

import pytest

from accounts.bounded_process import answer_of


@pytest.mark.parametrize("wish", [b"processor", b"memory"])
def test_it_is_ended_when_it_takes_too_much(wish):
    assert answer_of("tests.accounts.greedy", wish, cpu_seconds=1) is None


def test_it_holds_no_secret_of_the_portals():
    told = json.loads(answer_of("tests.accounts.greedy", b"environment", cpu_seconds=5) or "null")
    assert [name for name in told if name.startswith(("PORTAL", "DJANGO"))] == []
