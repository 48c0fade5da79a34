"""Runs this folder's tests on a stage of their own: python -m tests.faults [--long] [pytest's arguments].

They kill, stop and mislead real processes, so they need the portal's real settings, database and broker
instead of those of the other tests.
"""

import os
import sys

import pytest

from bench.stage import Stage, running


class OnStage:
    """Gives the tests what is running."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @pytest.fixture(scope="session")
    def stage(self) -> Stage:
        return self._stage


def main() -> int:
    os.environ["PORTAL_TESTS_ON_STAGE"] = "yes"
    with running("steady", "shaky") as stage:
        return pytest.main(["tests/faults", *sys.argv[1:]], plugins=[OnStage(stage)])


if __name__ == "__main__":
    sys.exit(main())
