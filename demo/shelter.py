"""Where the mail servers of a world live: their users must get there, and Unix sockets want short paths."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.sample import SERVERS
from fleet.dovecot import LONGEST_DIRECTORY
from fleet.users import private_directory, service_user

PREFIX = "mail-portal-servers"


@contextmanager
def servers_directory(directory: Path) -> Iterator[Path]:
    """`directory`/servers; a link to a place below /tmp, gone at the end, where it could not work itself."""
    wanted = directory / "servers"
    longest = max(len(str(wanted / name)) for name in SERVERS)
    if longest <= LONGEST_DIRECTORY and _service_user_gets_to(directory):
        wanted.mkdir()
        yield wanted
        return
    with private_directory(PREFIX) as shelter:
        wanted.symlink_to(shelter)
        yield shelter


def remove(directory: Path) -> None:
    """A world's directory, and the shelter that a world which was killed has left."""
    link = directory / "servers"
    if link.is_symlink():
        shelter = link.readlink()
        if shelter.parent == Path("/tmp") and shelter.name.startswith(PREFIX):  # noqa: S108 - its own
            shutil.rmtree(shelter, ignore_errors=True)
    if directory.exists():
        shutil.rmtree(directory)


def _service_user_gets_to(directory: Path) -> bool:
    options = service_user("dovecot").setpriv_options()
    # Only the kernel knows about every mode, access list and mount on the way.
    command = ["setpriv", *options, "--", "test", "-x", str(directory)]
    return subprocess.run(command, check=False, cwd="/", env={"PATH": os.defpath}).returncode == 0
