"""How quickly what mailboxes hold is collected from a real Dovecot, beside one bare doveadm call for all."""

from bench.figures import Figure
from bench.stage import running


def measure(*, quick: bool) -> list[Figure]:
    with running("usage") as stage:
        from bench import usage_rounds  # noqa: PLC0415 - Django's models need the stage's settings

        return usage_rounds.measure(stage, quick=quick)
