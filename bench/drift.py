"""How quickly 10,000 mailboxes are compared with a real Dovecot, and how many connections that takes."""

from bench.figures import Figure
from bench.stage import running


def measure(*, quick: bool) -> list[Figure]:
    with running("drift") as stage:
        from bench import drift_rounds  # noqa: PLC0415 - Django's models need the stage's settings

        return drift_rounds.measure(stage, quick=quick)
