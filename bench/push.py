"""How quickly changes reach a real Dovecot: the whole road beside the bare ManageSieve operations."""

from bench.figures import Figure
from bench.stage import running


def measure(*, quick: bool) -> list[Figure]:
    with running("busy", "idle") as stage:
        from bench import push_rounds  # noqa: PLC0415 - Django's models need the stage's settings

        return push_rounds.measure(stage, quick=quick)
