"""Free ports on loopback, also when several test runs look for them at the same time."""

import random
import socket

# Below the range the kernel takes outgoing connections' ports from, so that none of those can slip in
# between the choice of a port and the start of the server that listens on it.
FIRST, LAST = 20_000, 32_000

_claims: dict[int, socket.socket] = {}


def reserve_port() -> int:
    """A port nobody listens on and no other run gets, as long as this process lives."""
    candidates = list(range(FIRST, LAST))
    random.shuffle(candidates)
    for port in candidates:
        claim = _claim(port)
        if claim is None:
            continue
        if _can_listen(port):
            _claims[port] = claim
            return port
        claim.close()
    raise RuntimeError(f"No free port between {FIRST} and {LAST} on 127.0.0.1.")


def take_port(port: int) -> bool:
    """Whether this very port is ours from now on, as `reserve_port` would have it: no other run gets it."""
    claim = _claim(port)
    if claim is None:
        return False
    if not _can_listen(port):
        claim.close()
        return False
    _claims[port] = claim
    return True


def _claim(port: int) -> socket.socket | None:
    """A name that one process at a time can hold; the kernel frees it when the process ends."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # The leading zero byte: a name in the kernel (with the same reach as ports), not a file.
        claim.bind(f"\0mail-portal-port-{port}")
    except OSError:
        claim.close()
        return None
    return claim


def _can_listen(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: the remains of closed connections are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen()
        except OSError:
            return False
    return True
