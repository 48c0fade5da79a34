"""Runs the tests whose outcome may differ between databases once more, on a private PostgreSQL."""

import os
import subprocess
import sys

from fleet.postgresql import PostgreSQL
from fleet.users import private_directory


def main() -> int:
    with private_directory("tests-on-postgresql") as directory:
        server = PostgreSQL(directory)
        server.start()
        try:
            environment = os.environ | {"PORTAL_DATABASE_URL": server.create_database("portal")}
            command = [sys.executable, "-m", "pytest", "-m", "sql", *sys.argv[1:]]
            return subprocess.run(command, env=environment, check=False).returncode
        finally:
            server.stop()


sys.exit(main())
