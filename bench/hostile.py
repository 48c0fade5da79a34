"""What visitors wait for while 24 connections try passwords: pages behind gunicorn on PostgreSQL."""

from bench.figures import Figure
from bench.stage import running


def measure(*, quick: bool) -> list[Figure]:
    with running() as stage:
        from bench import hostile_rounds  # noqa: PLC0415 - Django's models need the stage's settings

        return hostile_rounds.measure(stage, quick=quick)
