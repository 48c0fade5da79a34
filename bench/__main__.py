"""bin/bench NAME: runs one bench, prints its table and writes its JSON."""

import argparse
import importlib
from pathlib import Path

from bench import figures

BENCHES = ("audit", "bulk", "drift", "hostile", "pages", "push", "usage")


def main() -> None:
    parser = argparse.ArgumentParser(prog="bin/bench", description="Measures the portal on real servers.")
    parser.add_argument("name", choices=BENCHES)
    parser.add_argument("--quick", action="store_true", help="fewer readings: a look, not a result")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    arguments = parser.parse_args()
    measured = importlib.import_module(f"bench.{arguments.name}").measure(quick=arguments.quick)
    figures.show(arguments.name, measured)
    if arguments.json:
        figures.write(arguments.name, measured, arguments.json)


main()
