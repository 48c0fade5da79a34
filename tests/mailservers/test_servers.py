from mailservers.drivers import open_driver
from mailservers.models import Server
from mailservers.servers import driver_for


def test_a_driver_stays_open_whatever_the_order_of_its_settings(monkeypatch, db):
    opened = []
    monkeypatch.setattr(
        "mailservers.servers.open_driver", lambda *row: opened.append(row) or open_driver(*row)
    )
    server = Server.objects.create(name="ordered", kind="memory", endpoints={"b": 1, "a": 2})
    first = driver_for(server)
    # As PostgreSQL gives them back.
    server.endpoints = {"a": 2, "b": 1}
    assert driver_for(server) is first
    server.endpoints = {"a": 3, "b": 1}
    assert driver_for(server) is not first
    assert len(opened) == 2
