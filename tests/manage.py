"""manage.py in the environment of the tests: python -m tests.manage COMMAND."""

import sys

from django.core.management import execute_from_command_line

from tests import environment  # noqa: F401 - sets the environment before Django reads it

execute_from_command_line(sys.argv)
