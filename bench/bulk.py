"""Many mailboxes at once: how quickly a file becomes a plan, and is carried out and undone."""

from bench.figures import Figure
from bench.stage import running


def measure(*, quick: bool) -> list[Figure]:
    with running() as stage:
        from bench import bulk_rounds  # noqa: PLC0415 - Django's models need the stage's settings

        return bulk_rounds.measure(stage, quick=quick)
