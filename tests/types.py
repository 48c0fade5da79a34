"""The type checker, in the environment of the tests: its plugin for Django reads the settings."""

import subprocess
import sys

from tests import environment  # noqa: F401 - sets the environment before Django reads it

sys.exit(subprocess.run([sys.executable, "-m", "mypy", "."], check=False).returncode)
