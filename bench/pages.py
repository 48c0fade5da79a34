"""What people wait for: pages behind gunicorn on PostgreSQL, beside a view that only answers."""

from bench.figures import Figure
from bench.stage import running


def measure(*, quick: bool) -> list[Figure]:
    with running() as stage:
        from bench import pages_rounds  # noqa: PLC0415 - Django's models need the stage's settings

        return pages_rounds.measure(stage, quick=quick)
