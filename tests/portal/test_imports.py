"""Imports go one way, from the portal down to its mails."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ORDER = [
    "mails",
    "audit",
    "mailservers",
    "accounts",
    "quotas",
    "vacation",
    "mailboxtemplates",
    "aliases",
    "adoption",
    "batches",
    "branding",
    "support",
    "clientsetup",
    "guide",
    "portal",
]
BESIDE = {"demo", "fleet", "tests", "bench"}

MODULES = sorted(path for app in ORDER for path in (ROOT / app).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Names of the packages a module imports; what only the type checker reads does not count."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            names.add(node.module or "")
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_its_own_house_and_those_below(path):
    house = path.relative_to(ROOT).parts[0]
    above = set(ORDER[ORDER.index(house) + 1 :]) | BESIDE
    assert imported(path) & above == set()


def test_no_folder_has_a_name_that_could_hold_anything():
    anything = {"utils", "util", "common", "core", "helpers", "misc"}
    folders = {path.name for app in [*ORDER, *BESIDE] for path in (ROOT / app).rglob("*") if path.is_dir()}
    assert folders & anything == set()


def test_drivers_know_no_model_and_no_settings():
    for path in (ROOT / "mailservers" / "drivers").glob("*.py"):
        text = path.read_text()
        assert "mailservers.models" not in text
        assert "django.conf" not in text
