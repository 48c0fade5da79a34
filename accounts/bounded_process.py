"""Work on what strangers sent, in a process of its own that the kernel ends when it takes too much.

A small file can unpack to hours of work or to all memory. The web process waits for it so long and no
longer; the other one has no setting, no secret, and no connection to anything.
"""

import subprocess
import sys

from django.conf import settings

from accounts.places import Places

MEMORY = 1024 * 1024 * 1024
# One at a time in each web process; another one waits a moment, more are told to come back.
AT_WORK = Places(1, waiting=1, seconds=5.0)


def answer_of(module: str, data: bytes, *, cpu_seconds: int) -> bytes | None:
    """What `python -m MODULE` writes when it reads this; None when it was ended, or failed. Raises Busy."""
    limits = ["prlimit", f"--cpu={cpu_seconds}", f"--as={MEMORY}", "--"]
    with AT_WORK.one():
        try:
            process = subprocess.run(  # noqa: S603 - nothing of it is anybody's but ours
                [*limits, sys.executable, "-m", module],
                input=data,
                capture_output=True,
                cwd=settings.BASE_DIR,
                env={},
                timeout=2 * cpu_seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
    return process.stdout if process.returncode == 0 else None
