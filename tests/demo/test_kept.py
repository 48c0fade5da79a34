"""What demos and tests keep between them is made again when what it is made of changes, and only then."""

import pytest

from demo import kept


@pytest.fixture
def sources(tmp_path):
    (tmp_path / "sources" / "inner").mkdir(parents=True)
    (tmp_path / "sources" / "inner" / "one").write_text("1")
    (tmp_path / "single").write_text("1")
    return [tmp_path / "sources", tmp_path / "single"]


@pytest.fixture
def made(tmp_path, sources):
    """Provides it again, and tells how often it was made by then."""
    times = []

    def make():
        times.append(1)
        (tmp_path / "made").write_text("it")

    def provide():
        kept.provide(tmp_path / "made", sources, make)
        return len(times)

    return provide


def test_it_is_made_once(made):
    assert [made(), made()] == [1, 1]


@pytest.mark.parametrize("changed", ["single", "sources/inner/one", "sources/inner/two"])
def test_it_is_made_again_when_a_source_changes(made, tmp_path, changed):
    made()
    (tmp_path / changed).write_text("longer")
    assert [made(), made()] == [2, 2]


def test_it_is_made_again_when_it_is_gone(made, tmp_path):
    made()
    (tmp_path / "made").unlink()
    assert made() == 2


def test_what_could_not_be_made_is_tried_again(tmp_path, sources, made):
    def fail():
        raise RuntimeError

    with pytest.raises(RuntimeError):
        kept.provide(tmp_path / "made", sources, fail)
    assert made() == 1
