"""The bar, and when a mailbox will be full."""

import random
from datetime import date, timedelta

import pytest

from mailservers.models import UsageDay
from quotas.figures import Fill, days_until_full, in_about

TODAY = date(2026, 11, 24)


def days(*sizes):
    first = TODAY - timedelta(days=len(sizes) - 1)
    return [UsageDay(day=first + timedelta(days=n), bytes_used=size) for n, size in enumerate(sizes)]


def test_steady_growth_is_carried_on():
    assert days_until_full(days(*range(100, 130)), 129, 150) == pytest.approx(21)


def test_one_clean_up_does_not_bend_the_trend():
    grown = [1000 + 10 * n for n in range(30)]
    cleaned = [size if n < 15 else size - 400 for n, size in enumerate(grown)]
    left = days_until_full(days(*cleaned), cleaned[-1], cleaned[-1] + 100)
    assert left == pytest.approx(10, rel=0.2)


def test_noise_does_not_either():
    dice = random.Random(7)  # noqa: S311 - the same noise each time
    sizes = [1000 + 10 * n + dice.randint(-30, 30) for n in range(90)]
    assert days_until_full(days(*sizes), sizes[-1], sizes[-1] + 200) == pytest.approx(20, rel=0.25)


@pytest.mark.parametrize(
    ("sizes", "limit"),
    [
        ([], 100),
        ([1, 2, 3, 4, 5, 6], 100),  # too few days
        ([5] * 30, 100),
        (list(range(130, 100, -1)), 200),
        (list(range(100, 130)), 0),  # no limit
        (list(range(100, 130)), 120),  # full already
        (list(range(100, 130)), 10**6),  # years away
    ],
)
def test_there_is_not_always_something_to_say(sizes, limit):
    assert days_until_full(days(*sizes), sizes[-1] if sizes else 0, limit) is None


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0.4, "in about a day"),
        (3, "in about 3 days"),
        (21, "in about 3 weeks"),
        (90, "in about 3 months"),
    ],
)
def test_a_forecast_is_no_more_exact_than_it_can_be(count, words):
    assert in_about(count) == words


@pytest.mark.parametrize(
    ("used", "limit", "percent", "level"),
    [
        (0, 100, 0, "calm"),
        (799, 1000, 79, "calm"),
        (800, 1000, 80, "warm"),
        (999, 1000, 99, "hot"),
        (1000, 1000, 100, "full"),
        (1100, 1000, 110, "full"),
        (1100, 0, 0, "calm"),
    ],
)
def test_how_full_it_is(used, limit, percent, level):
    fill = Fill(used, limit, 0, 0)
    assert (fill.percent, fill.level) == (percent, level)


@pytest.mark.parametrize(
    ("used", "limit", "trash", "junk"),
    [(500, 1000, 100, 50), (1500, 1000, 2000, 7), (0, 0, 0, 0), (5, 0, 0, 9)],
)
def test_the_parts_of_the_bar_fill_it_side_by_side(used, limit, trash, junk):
    parts = Fill(used, limit, trash, junk).parts
    ends = 0.0
    for _kind, begins, width in parts:
        assert float(begins[:-1]) == pytest.approx(ends, abs=0.01)
        ends += float(width[:-1])
    assert ends == pytest.approx(100 * used / max(limit, used, 1), abs=0.01)
