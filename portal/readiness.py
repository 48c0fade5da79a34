"""Whether the portal can do its work: its database, its broker, and the database's tables."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# A probe that hangs is told as such; whoever asks has a time-out too.
SECONDS = 2.0


def troubles() -> list[str]:
    """A sentence for each thing that is missing; empty when the portal is ready."""
    probes: tuple[tuple[str, Callable[[], str]], ...] = (
        ("database", _look_into_database),
        ("broker", _look_for_broker),
    )
    with_time_limit = ThreadPoolExecutor(max_workers=len(probes))
    try:
        asked = [(what, with_time_limit.submit(probe)) for what, probe in probes]
        found = []
        for what, answer in asked:
            try:
                found.append(answer.result(timeout=SECONDS))
            except TooLate:
                found.append(f"The {what} does not answer.")
            except Exception as error:  # noqa: BLE001 - its text may hold the address with its password
                found.append(f"The {what} is away ({type(error).__name__}).")
    finally:
        with_time_limit.shutdown(wait=False)
    return [trouble for trouble in found if trouble]


def _look_into_database() -> str:
    """On a connection of this thread's own, which ends with it."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    finally:
        connection.close()
    return f"The database lacks {len(missing)} migrations: run manage.py migrate." if missing else ""


def _look_for_broker() -> str:
    # Once: the client's own way is to try again for some seconds.
    no_retry = Retry(NoBackoff(), 0)
    with Redis.from_url(
        settings.CELERY_BROKER_URL, socket_connect_timeout=1, socket_timeout=1, retry=no_retry
    ) as broker:
        broker.ping()
    return ""
