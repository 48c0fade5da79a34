"""What a bench measured: shown as a table, written as JSON."""

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Figure:
    """The median of n readings, with the smallest and the largest."""

    name: str
    value: float
    unit: str
    n: int
    min: float
    max: float


def figure(name: str, readings: Sequence[float], unit: str) -> Figure:
    return Figure(name, statistics.median(readings), unit, len(readings), min(readings), max(readings))


def percentile(readings: Sequence[float], share: float) -> float:
    """The reading that the share (0 to 1) of all readings does not exceed."""
    ordered = sorted(readings)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(bench: str, figures: Sequence[Figure]) -> None:
    width = max(len(figure.name) for figure in figures)
    print(f"\n{bench}: medians, with the smallest and largest of n readings")
    for one in figures:
        print(
            f"  {one.name:<{width}}  {one.value:>10.3f} {one.unit:<8} "
            f"({one.min:.3f} to {one.max:.3f}, n={one.n})"
        )


def write(bench: str, figures: Sequence[Figure], path: Path) -> None:
    told = {"bench": bench, "figures": [asdict(figure) for figure in figures]}
    path.write_text(json.dumps(told, indent=2) + "\n")
