"""Whether the portal says truly that it is ready."""

import socket
import time

import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from fleet.redis import RedisServer
from fleet.users import private_directory

URL = "/health/ready"


@pytest.fixture
def broker(settings, tmp_path_factory):
    with private_directory("ready") as directory:
        redis = RedisServer(directory / "redis")
        redis.start()
        settings.CELERY_BROKER_URL = redis.url
        yield redis
        redis.stop()


@pytest.mark.django_db
def test_it_is_ready_with_database_and_broker(client, broker):
    answer = client.get(URL)
    assert (answer.status_code, answer.content) == (200, b"ok")
    broker.stop()
    answer = client.get(URL)
    assert answer.status_code == 503
    assert "The broker is away" in answer.content.decode()


@pytest.mark.django_db
def test_a_broker_that_says_nothing_holds_nobody_up(client, settings):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings.CELERY_BROKER_URL = f"redis://:secret@127.0.0.1:{silent.getsockname()[1]}/0"
        began = time.monotonic()
        answer = client.get(URL)
    assert answer.status_code == 503
    assert "The broker" in answer.content.decode()
    assert "secret" not in answer.content.decode()
    assert time.monotonic() - began < 4


@pytest.mark.django_db(transaction=True)
def test_a_migration_that_was_not_applied_is_told(client, broker):
    (newest,) = MigrationLoader(connection).graph.leaf_nodes("vacation")
    applied = MigrationRecorder(connection).migration_qs.filter(app="vacation", name=newest[1])
    rows = list(applied.values())
    applied.delete()
    try:
        assert "The database lacks 1 migrations: run manage.py migrate." in client.get(URL).content.decode()
    finally:
        for row in rows:
            MigrationRecorder(connection).migration_qs.create(**row)
    assert client.get(URL).status_code == 200
