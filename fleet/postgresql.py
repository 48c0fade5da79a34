"""A private PostgreSQL: quick rather than safe, for tests and the demo."""

import secrets
import signal
import subprocess
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from fleet.ports import reserve_port
from fleet.processes import ChildProcess, find_program
from fleet.users import service_user

SUPERUSER = "fleet"
# What is lost in a power failure does not matter here.
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
}


class PostgreSQL:
    """One server; `create_database` makes as many databases as are wanted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = reserve_port()
        self.password = secrets.token_urlsafe(24)
        self.user = service_user("postgres")  # it refuses to run as root
        self.user.take_over(self.directory)
        self._data = self.directory / "data"
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        self._process = ChildProcess(
            "PostgreSQL",
            [find_server_program("postgres"), "-D", self._data, "-p", str(self.port), *settings],
            self.directory / "postgresql.log",
            user=self.user,
            stop_signal=signal.SIGINT,  # "fast": does not wait for clients to leave
        )

    def start(self) -> None:
        if not self._data.exists():
            self._initialise()
        self._process.start(self._answers)

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        self._process.kill()

    def dsn(self, database: str) -> str:
        """``postgresql://…`` of a database, password included."""
        return f"postgresql://{SUPERUSER}:{self.password}@127.0.0.1:{self.port}/{quote(database)}"

    def create_database(self, name: str) -> str:
        """Make an empty database; its DSN."""
        with psycopg.connect(self.dsn("postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.dsn(name)

    def _initialise(self) -> None:
        password_file = self.directory / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        self.user.take_over(password_file)
        done = subprocess.run(
            [
                "setpriv",
                *self.user.setpriv_options(),
                "--",
                find_server_program("initdb"),
                f"--pgdata={self._data}",
                f"--username={SUPERUSER}",
                f"--pwfile={password_file}",
                "--auth=scram-sha-256",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        if done.returncode:
            raise RuntimeError(f"initdb ended with {done.returncode}:\n{done.stdout}{done.stderr}")

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.dsn("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def find_server_program(name: str) -> str:
    """Debian keeps PostgreSQL's programs off the PATH, in a folder for each version: the newest one."""
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = max(versions, key=lambda path: float(path.parts[4]), default=None)
    return str(newest) if newest else find_program(name)
