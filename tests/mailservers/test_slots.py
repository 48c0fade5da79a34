from datetime import timedelta

import pytest

from mailservers import pushing
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Slot

pytestmark = pytest.mark.sql
MINUTE = timedelta(minutes=1)


def test_as_many_as_the_server_bears_and_no_more(server):
    server.connections = 2
    tokens = [Slot.objects.take(server, MINUTE) for _ in range(3)]
    assert [token is not None for token in tokens] == [True, True, False]


def test_a_slot_given_back_can_be_taken_again(server):
    server.connections = 1
    Slot.objects.give_back(Slot.objects.take(server, MINUTE))
    assert Slot.objects.take(server, MINUTE)


def test_the_slot_of_a_lost_worker_runs_out(server):
    server.connections = 1
    Slot.objects.take(server, timedelta(seconds=-1))
    assert Slot.objects.take(server, MINUTE)


def test_without_a_slot_a_worker_leaves_the_server_alone(server):
    for _ in range(server.connections):
        Slot.objects.take(server, MINUTE)
    assert pushing.push_some(server.pk) is None
    assert MemoryDriver.accounts == {}
