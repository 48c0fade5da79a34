"""The unprivileged users servers run as, and directories they can reach."""

import grp
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ServiceUser:
    """Who a server runs as: a system user when we are root, else ourselves."""

    name: str
    group: str
    uid: int
    gid: int

    def setpriv_options(self) -> list[str]:
        """How setpriv turns into this user; nothing when we are it."""
        if os.geteuid() == self.uid:
            return []
        return [f"--reuid={self.uid}", f"--regid={self.gid}", "--clear-groups"]

    def take_over(self, path: Path) -> None:
        """Make the path, and all below it, the user's own."""
        if os.geteuid() == self.uid:
            return
        os.chown(path, self.uid, self.gid)
        if path.is_dir():
            for child in path.iterdir():
                self.take_over(child)


def service_user(preferred: str) -> ServiceUser:
    """The system user `preferred` when we are root (servers refuse to run as root), else ourselves."""
    uid = os.geteuid()
    try:
        entry = pwd.getpwnam(preferred) if uid == 0 else pwd.getpwuid(uid)
        group = grp.getgrgid(entry.pw_gid)
    except KeyError as error:
        raise RuntimeError(f"The servers need a user with a name and a group: {error.args[0]}") from None
    return ServiceUser(entry.pw_name, group.gr_name, entry.pw_uid, entry.pw_gid)


@contextmanager
def private_directory(name: str) -> Iterator[Path]:
    """A new directory, removed at the end, with a path that is short and open to service users.

    Not below the checkout: a checkout in /root is closed to them, and the path of a Unix socket may have
    108 characters at most.
    """
    directory = Path(tempfile.mkdtemp(prefix=f"{name}-", dir="/tmp"))
    try:
        directory.chmod(0o711)  # others may pass through, not look
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
