"""The codes an authenticator app would show; each is good once, as in life.

For somebody who looks around in the demo: python -m demo.codes NAME
"""

import base64
import json
import sys
import time
from pathlib import Path

from django_otp.oath import hotp

STEP_SECONDS = 30
DEMO = Path(__file__).parent.parent / "var" / "demo.json"
# By key: the last time step whose code was shown.
_shown: dict[str, int] = {}


def next_code(totp_secret: str) -> str:
    """A code not shown before, of this moment or one beside it; waits for one if need be."""
    step = max(_now() - 1, _shown.get(totp_secret, 0) + 1)
    while step > _now() + 1:
        time.sleep(0.2)
    _shown[totp_secret] = step
    return code_at(totp_secret, step)


def code_at(totp_secret: str, step: int) -> str:
    return f"{hotp(base64.b32decode(totp_secret), step):06}"


def _now() -> int:
    return int(time.time()) // STEP_SECONDS


def _main(name: str) -> str:
    try:
        people = json.loads(DEMO.read_text())["people"]
    except FileNotFoundError:
        sys.exit("The demo is not running: start it with bin/demo.")
    for person in people:
        if person["login"] == name:
            return code_at(person["totp_secret"], _now())
    sys.exit(f"Nobody is named {name}. There are: {', '.join(person['login'] for person in people)}.")


if __name__ == "__main__":
    print(_main(sys.argv[1] if len(sys.argv) == 2 else ""))
