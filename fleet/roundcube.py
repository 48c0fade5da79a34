"""A real Roundcube from Debian's packages: ``python -m fleet.roundcube DIRECTORY`` unpacks, installs nothing.

For one optional test (bin/test --roundcube). PHP's own server runs it, with SQLite, on a loopback port.
"""

import os
import secrets
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from fleet.dovecot import Dovecot
from fleet.ports import reserve_port
from fleet.processes import ChildProcess, accepts_connections

# With what they need, without a web server and without what configures a system.
WANTED = (
    *("php8.2-cli", "php8.2-intl", "php8.2-mbstring", "php8.2-xml", "php8.2-sqlite3"),
    *("roundcube-core", "roundcube-plugins", "roundcube-sqlite3", "libjs-jquery", "libjs-jquery-ui"),
)
UNWANTED = ("apache", "libapache", "libapr", "liblua", "dbconfig", "debconf", "ucf", "sqlite3")
EXTENSIONS = (
    *("ctype", "dom", "fileinfo", "iconv", "intl", "mbstring", "pdo", "pdo_sqlite", "posix", "simplexml"),
    *("sockets", "tokenizer", "xml", "xmlreader", "xmlwriter"),
)
CONFIG = """<?php
$config = [];
$config['db_dsnw'] = 'sqlite:///@DIR@/roundcube.db?mode=0600';
$config['imap_host'] = 'ssl://localhost:@IMAPS@';
$config['imap_conn_options'] = ['ssl' => ['cafile' => '@CA@']];
$config['des_key'] = '@KEY@';
$config['log_dir'] = '@DIR@/logs';
$config['temp_dir'] = '@DIR@/temp';
$config['plugins'] = ['managesieve'];
$config['language'] = 'en_GB';
$config['timezone'] = 'Europe/Amsterdam';
$config['managesieve_host'] = 'tls://localhost:@SIEVE@';
$config['managesieve_conn_options'] = ['ssl' => ['cafile' => '@CA@']];
$config['managesieve_vacation'] = 1;
$config['managesieve_forward'] = 1;
$config['managesieve_default'] = '';
"""


def unpack(directory: Path) -> None:
    """Fetch the packages and unpack them below the directory, unless they are there."""
    if (directory / "done").exists():
        return
    packages, root = directory / "packages", directory / "root"
    for path in (packages, root):
        path.mkdir(parents=True, exist_ok=True)
    simulated = subprocess.run(
        ["apt-get", "install", "-s", "--reinstall", "--no-install-recommends", *WANTED],
        capture_output=True,
        text=True,
        check=True,
    )
    planned = [line.split()[1] for line in simulated.stdout.splitlines() if line.startswith("Inst ")]
    names = [name for name in planned if not name.startswith(UNWANTED)]
    subprocess.run(["apt-get", "-q", "download", *names], cwd=packages, check=True, stdout=subprocess.DEVNULL)
    for package in sorted(packages.glob("*.deb")):
        subprocess.run(["dpkg-deb", "-x", package, root], check=True)
    # Links to places in the system become links to the same places below the directory.
    for path in root.rglob("*"):
        if path.is_symlink() and (target := path.readlink()).is_absolute():
            path.unlink()
            path.symlink_to(root / target.relative_to("/"))
    (directory / "done").touch()


class Roundcube:
    """Webmail of a Dovecot, with the forms for vacation and forwarding of its managesieve plug-in."""

    def __init__(self, unpacked: Path, directory: Path, dovecot: Dovecot) -> None:
        self.port = reserve_port()
        root = (unpacked / "root").resolve()
        for path in (directory / "logs", directory / "temp", directory / "config"):
            path.mkdir(parents=True)
        values = {
            "DIR": str(directory),
            "CA": str(dovecot.ca_file),
            "KEY": secrets.token_hex(12),
            "IMAPS": str(dovecot.ports["imaps"]),
            "SIEVE": str(dovecot.ports["sieve"]),
        }
        config = CONFIG
        for name, value in values.items():
            config = config.replace(f"@{name}@", value)
        (directory / "config" / "config.inc.php").write_text(config)
        # Debian's names a place in the system.
        prepended = directory / "install_path.php"
        prepended.write_text(f"<?php define('INSTALL_PATH', '{root}/var/lib/roundcube/');\n")
        (directory / "config" / "defaults.inc.php").symlink_to(root / "etc/roundcube/defaults.inc.php")
        (directory / "config" / "mimetypes.php").symlink_to(root / "etc/roundcube/mimetypes.php")
        with closing(sqlite3.connect(directory / "roundcube.db")) as database:
            database.executescript((root / "usr/share/roundcube/SQL/sqlite.initial.sql").read_text())
        extensions = next((root / "usr/lib/php").glob("2*"))
        self._process = ChildProcess(
            "Roundcube",
            [
                *(root / "usr/bin/php8.2", "-n", "-d", f"extension_dir={extensions}"),
                *(part for name in EXTENSIONS for part in ("-d", f"extension={name}")),
                *("-d", f"include_path=.:{root}/usr/share/php", "-d", "date.timezone=UTC"),
                *("-d", f"auto_prepend_file={prepended}"),
                *("-S", f"127.0.0.1:{self.port}", "-t", root / "usr/share/roundcube"),
            ],
            directory / "php.log",
            env={
                **os.environ,
                "ROUNDCUBE_CONFIG_DIR": str(directory / "config"),
                "PHP_CLI_SERVER_WORKERS": "4",
            },
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        self._process.start(lambda: accepts_connections(self.port))

    def stop(self) -> None:
        self._process.stop()


if __name__ == "__main__":
    unpack(Path(sys.argv[1]).resolve())
