"""What docs/security.md names exists, and no requirement of ASVS 5.0.0, levels 1 and 2, is left out."""

import ast
import re

import pytest
from django.core.management import get_commands

from tests.portal.test_imports import ROOT

DOC = (ROOT / "docs" / "security.md").read_text()
SETTINGS = (ROOT / "docs" / "settings.md").read_text()
NAMED_TESTS = sorted(set(re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", DOC)))
# The level of each requirement: the first digit is that of number 1 of its section.
LEVELS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3",
    "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333", "6.6": "2223",
    "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222", "10.6": "22",
    "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23",
    "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip
WANTED = {
    f"{section}.{number}": level
    for section, levels in LEVELS.items()
    for number, level in enumerate(levels, start=1)
    if level in "12"
}


def rows(text: str) -> list[list[str]]:
    """The cells of every row of the tables in it, without the heads."""
    found = [line.strip("|").split("|") for line in text.splitlines() if re.match(r"\| (\d|all of)", line)]
    return [[cell.strip() for cell in row] for row in found]


def requirements() -> list[str]:
    """Those that stand in one of the tables, as often as they do."""
    found: list[str] = []
    for number, *_rest in rows(DOC):
        whole = number.removeprefix("all of ")
        some = [each for each in WANTED if each.startswith(f"{whole}.")] if whole != number else [number]
        found += some
    return found


@pytest.mark.parametrize(("path", "name"), NAMED_TESTS)
def test_each_test_that_it_names_is_there(path, name):
    file = ROOT / path
    assert file.exists()
    tree = ast.parse(file.read_text())
    assert name in [each.name for each in tree.body if isinstance(each, ast.FunctionDef)]


def test_it_names_many():
    assert len(NAMED_TESTS) > 80
    # Nothing that is meant as a test is written in another way.
    assert DOC.count("::") == len(re.findall(r"`tests/[\w/]+\.py::test_\w+`", DOC))


def test_no_requirement_is_left_out_or_told_twice():
    assert sorted(requirements()) == sorted(WANTED)


def test_each_has_its_level():
    told = {row[0]: row[1] for row in rows(DOC) if not row[0].startswith("all of") and len(row) > 2}
    assert {number: WANTED[number] for number in told} == told


def test_each_setting_that_it_names_is_there():
    named = set(re.findall(r"PORTAL_[A-Z_]+", DOC))
    assert {name for name in named if f"`{name}`" not in SETTINGS} == set()


def test_each_command_that_it_names_is_there():
    named = set(re.findall(r"`manage\.py (\w+)", DOC))
    assert named
    assert named - set(get_commands()) == set()


def test_each_page_that_it_leads_to_is_there():
    links = re.findall(r"\]\(([^)#]+)\)", DOC)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
