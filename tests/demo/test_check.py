"""The acceptance of the main job: bin/demo --check, as anybody would run it."""

import subprocess

import pytest

from demo.world import CHECKOUT


@pytest.mark.timeout(240)
def test_bin_demo_check_finds_that_all_of_it_works():
    done = subprocess.run(["bin/demo", "--check"], cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "All of it works" in done.stdout
