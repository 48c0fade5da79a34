"""A private Dovecot with accounts in SQL, as a hoster runs it."""

import secrets
import smtplib
import sqlite3
import subprocess
from contextlib import closing
from email.message import EmailMessage
from pathlib import Path

import psycopg
from passlib.hash import sha512_crypt
from sqlalchemy.engine import URL, make_url

from fleet.certificates import CertificateAuthority
from fleet.clock import DOVECOT_SETTING, MovableClock
from fleet.ports import reserve_port
from fleet.processes import ChildProcess, accepts_connections, find_program
from fleet.users import service_user

TEMPLATES = Path(__file__).parent / "templates"
SERVICES = ("imap", "imaps", "pop3", "pop3s", "submissions", "sieve", "lmtp", "doveadm")
# Dovecot's own socket names below it need the rest of the 108 bytes a Unix socket's path may have.
LONGEST_DIRECTORY = 75


class Dovecot:
    """IMAP, POP3, submission, ManageSieve, LMTP and doveadm's HTTP API, each on its own loopback port.

    Mail goes out to `smtp_out_port`. The accounts are in an SQLite file of its own, or in the PostgreSQL
    database at `postgres_dsn` (``postgresql://user:password@host:port/database``), one for each server.
    All its processes go by `clock`, where one is given.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        certificates: CertificateAuthority,
        smtp_out_port: int,
        postgres_dsn: str | None = None,
        *,
        clock: MovableClock | None = None,
    ) -> None:
        self.name = name
        self.directory = directory.resolve()
        self.ca_file = certificates.ca_file
        self.ports = {service: reserve_port() for service in SERVICES}
        self.master_user = "portal"
        self.master_password = secrets.token_urlsafe(24)
        self.doveadm_key = secrets.token_urlsafe(24)
        self.user = service_user("dovecot")
        self._sql_url = (
            URL.create("sqlite", database=str(self.directory / "db" / "accounts.sqlite3"))
            if postgres_dsn is None
            else make_url(postgres_dsn).set(drivername="postgresql+psycopg")
        )
        self._config = self.directory / "dovecot.conf"
        # By env, which runs as Dovecot's user: what libfaketime makes would else belong to us.
        clocked = ["env", *(f"{key}={value}" for key, value in clock.environment.items())] if clock else []
        self._process = ChildProcess(
            f"Dovecot {name}",
            [*clocked, find_program("dovecot"), "-F", "-c", self._config],
            self.directory / "dovecot.log",
            user=self.user,
        )
        self._lay_out(certificates, smtp_out_port)
        self._create_table()
        self.user.take_over(self.directory)
        if clock:
            self.override(DOVECOT_SETTING)

    @property
    def sql_url(self) -> str:
        """Where accounts are written, password included, for SQLAlchemy."""
        return self._sql_url.render_as_string(hide_password=False)

    def start(self) -> None:
        self._process.start(lambda: accepts_connections(self.ports["imap"], b"* OK"))

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        """End all its processes at once, as a power failure would."""
        self._process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def override(self, settings: str) -> None:
        """More lines for dovecot.conf, in place of those from the last call; they count after a restart."""
        overrides = self.directory / "overrides.conf"
        overrides.write_text(settings)
        self.user.take_over(overrides)

    def endpoints(self) -> dict[str, str | int | bool]:
        """Where the portal's driver finds this server; no secrets."""
        return {
            "sql_url": self._sql_url._replace(password=None).render_as_string(),
            "alias_table": "virtual_alias",
            "sieve_host": "localhost",
            "sieve_port": self.ports["sieve"],
            "doveadm_url": f"https://localhost:{self.ports['doveadm']}/doveadm/v1",
            "lmtp_host": "127.0.0.1",
            "lmtp_port": self.ports["lmtp"],
            "app_passwords": True,
            "switches_apart": True,
            "ca_file": str(self.ca_file),
        }

    def credentials(self) -> dict[str, str]:
        """The secrets that belong to `endpoints`."""
        credentials = {
            "master_user": self.master_user,
            "master_password": self.master_password,
            "doveadm_key": self.doveadm_key,
        }
        if self._sql_url.password:
            credentials["sql_password"] = str(self._sql_url.password)
        return credentials

    def deliver(self, address: str, message: bytes | EmailMessage, sender: str) -> None:
        """Hand over a mail as the hoster's mail exchanger does; a refusal is an `smtplib.SMTPException`."""
        content = message if isinstance(message, bytes) else message.as_bytes()
        with smtplib.LMTP("127.0.0.1", self.ports["lmtp"], local_hostname="mx.test") as lmtp:
            lmtp.sendmail(sender, [address], content)

    def run_doveadm(self, *arguments: str) -> str:
        """What `doveadm` prints on this server; its failure is a `RuntimeError` with its words."""
        # Without -c it would speak to the machine's own Dovecot.
        command = [find_program("doveadm"), "-c", str(self._config), *arguments]
        if options := self.user.setpriv_options():
            command = ["setpriv", *options, "--", *command]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", timeout=60)
        if done.returncode:
            raise RuntimeError(f"doveadm {arguments[0]} ended with {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def _lay_out(self, certificates: CertificateAuthority, smtp_out_port: int) -> None:
        """Write the whole private directory."""
        if len(str(self.directory)) > LONGEST_DIRECTORY:
            raise ValueError(f"{self.directory} has more than {LONGEST_DIRECTORY} characters.")
        for part in ("etc", "run", "state", "mail", "db"):
            (self.directory / part).mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        tls = certificates.issue(self.name, self.directory / "tls")
        values = {
            "DIR": str(self.directory),
            "NAME": self.name,
            "USER": self.user.name,
            "GROUP": self.user.group,
            "CERTIFICATE": str(tls.certificate),
            "KEY": str(tls.key),
            "SMTP_OUT": str(smtp_out_port),
            "DOVEADM_KEY": self.doveadm_key,
            "SQL_DRIVER": "sqlite" if self._sql_url.drivername == "sqlite" else "pgsql",
            "SQL_CONNECT": _dovecot_connect(self._sql_url),
            **{service.upper(): str(port) for service, port in self.ports.items()},
        }
        _render("dovecot.conf.in", self._config, values)
        for name in ("accounts.conf.ext", "app-passwords.conf.ext", "last-used.conf.ext"):
            _render(f"{name}.in", self.directory / "etc" / name, values)
        # Random and long: many rounds would only slow each push down.
        password_hash = sha512_crypt.using(rounds=1000).hash(self.master_password)
        _write_secret(
            self.directory / "etc" / "master-users", f"{self.master_user}:{{SHA512-CRYPT}}{password_hash}\n"
        )

    def _create_table(self) -> None:
        statements = [(TEMPLATES / name).read_text() for name in ("mailbox.sql", "virtual_alias.sql")]
        if self._sql_url.drivername == "sqlite":
            with closing(sqlite3.connect(str(self._sql_url.database))) as database:
                database.execute("PRAGMA journal_mode=WAL")  # sign-ins never wait for the portal's writes
                for statement in statements:
                    database.executescript(statement)
        else:
            dsn = self._sql_url.set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(dsn) as connection:
                for statement in statements:
                    connection.execute(statement.encode())


def _dovecot_connect(url: URL) -> str:
    """The value of ``connect`` in Dovecot's SQL configuration."""
    if url.drivername == "sqlite":
        return str(url.database)
    parts = {
        "host": url.host,
        "port": url.port,
        "dbname": url.database,
        "user": url.username,
        "password": url.password,
    }
    return " ".join(f"{key}={value}" for key, value in parts.items() if value)


def _render(template: str, target: Path, values: dict[str, str]) -> None:
    """Fill in each ``@NAME@``; the result is for its owner only, as it holds secrets."""
    text = (TEMPLATES / template).read_text()
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    _write_secret(target, text)


def _write_secret(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
