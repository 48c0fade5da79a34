"""Asks Postfix's own `postmap` what a table tells it; no mail server runs for that."""

import os
import shutil
import subprocess
from pathlib import Path

UNPACKED = Path(__file__).parent.parent / "var" / "postfix" / "files"


class Postmap:
    """The one that is installed, or that bin/setup unpacked. Raises LookupError when there is none."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        installed = shutil.which("postmap", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
        root = Path("/") if installed else UNPACKED
        self._program = root / "usr" / "sbin" / "postmap"
        libraries = root / "usr" / "lib" / "postfix"
        if not (libraries / "postfix-sqlite.so").exists():
            raise LookupError("bin/setup did not unpack Postfix.")
        directory.mkdir(parents=True, exist_ok=True)
        # Its usual users are made by the package alone.
        (directory / "main.cf").write_text(
            f"shlib_directory = {libraries}\nmeta_directory = {directory}\nqueue_directory = {directory}\n"
            "myhostname = mx.test\ncompatibility_level = 3.6\nmail_owner = daemon\nsetgid_group = mail\n"
        )
        (directory / "dynamicmaps.cf").write_text(
            "".join(f"{kind}\tpostfix-{kind}.so\tdict_{kind}_open\n" for kind in ("sqlite", "pgsql"))
        )
        self._environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "MAIL_CONFIG": str(directory),
            "LD_LIBRARY_PATH": str(libraries),
        }

    def ask(self, kind: str, settings: str, key: str) -> str:
        """What a table of this kind (sqlite, pgsql) with these settings has for the key; "" for nothing."""
        table = self._directory / "table.cf"
        table.write_text(settings)
        table.chmod(0o600)
        done = subprocess.run(
            [self._program, "-q", key, f"{kind}:{table}"],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        if done.stderr:
            raise RuntimeError(f"postmap: {done.stderr.strip()}")
        return done.stdout.strip()
