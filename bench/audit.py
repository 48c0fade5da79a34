"""How quickly events are appended, verified and found on PostgreSQL, beside the same without a chain."""

from bench.figures import Figure
from bench.stage import running


def measure(*, quick: bool) -> list[Figure]:
    with running() as stage:
        from bench import audit_rounds  # noqa: PLC0415 - Django's models need the stage's settings

        return audit_rounds.measure(stage, quick=quick)
