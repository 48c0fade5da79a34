"""Conversations with a real Virtualmin, as they were recorded, and what happened between them unrecorded."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fleet.webmin.hosting import Alias, Host, Reply
from fleet.webmin.server import Simulation

FOLDER = Path(__file__).parent / "transcripts"
CLOSED = float("inf")
# Made in the same second: this one came before the recording that is named.
EARLIER = {"a39-list-aliases-catchall": "a35"}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status line, headers by lower-case name, and body."""

    status: str
    headers: dict[str, str]
    body: str

    @classmethod
    def parse(cls, text: str) -> "Answer":
        head, _, body = text.partition("\n\n")
        first, *lines = head.rstrip("\n").split("\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return cls(first, {name.lower(): value for name, value in headers.items()}, body)


@dataclass(frozen=True, slots=True)
class Recording:
    """One request, as the bytes that went out, and its answer."""

    name: str
    request: bytes
    answer: Answer
    time: str
    over_tls: bool


def recordings() -> list[Recording]:
    """In the order they were made."""
    found = [_read(path) for path in FOLDER.glob("*.txt")]
    return sorted(found, key=lambda recording: (recording.time, EARLIER.get(recording.name, recording.name)))


def _read(path: Path) -> Recording:
    text = path.read_text(encoding="utf-8")
    _, _, rest = text.partition("----- request -----\n")
    request, _, answer = rest.partition("----- response -----\n")
    head, blank, body = request.partition("\n\n")
    # Carriage returns were left out in the recording, and a line end put behind the body.
    payload = body.removesuffix("\n").encode()
    lines = [line for line in head.rstrip("\n").split("\n") if not line.lower().startswith("content-length")]
    if blank:
        lines.append(f"Content-Length: {len(payload)}")
    return Recording(
        name=path.stem,
        request="\r\n".join([*lines, "", ""]).encode() + payload,
        answer=Answer.parse(answer),
        time=re.search(r"^Date: (.*)$", answer, re.M)[1],  # type: ignore[index]
        over_tls=path.stem != "b17-plain-http",
    )


# --- what happened between the recordings


def _a_host_without_mysql(simulation: Simulation) -> None:
    simulation.host = _new_host(simulation)
    for letter in "ab":
        simulation.host.create_domain(
            f"kunde-{letter}.example", f"Owner-Fake-Pw{letter}", f"Kunde {letter.upper()}"
        )
    simulation.host.switches.noise = True


def _the_recorded_host(simulation: Simulation) -> None:
    simulation.host = _new_host(simulation)


def _new_host(simulation: Simulation) -> Host:
    host = Host("root", "Adm1n-Fake-Pw")
    simulation.programs.host = host
    return host


def _anna_as_before(simulation: Simulation) -> None:
    anna = simulation.host.domains["kunde-a.example"].users["anna"]
    anna.real, anna.disabled = "Anna Muster", False


def _carl_gives_addresses_back(simulation: Simulation) -> None:
    carl = simulation.host.domains["kunde-a.example"].users["carl"]
    for address in ("anna@kunde-a.example", "x@fremd.example"):
        carl.extras.remove(address)


def _anna_without_rules(simulation: Simulation) -> None:
    anna = simulation.host.domains["kunde-a.example"].users["anna"]
    anna.forwards, anna.reply = [], Reply()


def _anna_gets_her_address_back(simulation: Simulation) -> None:
    simulation.host.domains["kunde-a.example"].users["anna"].email = "anna@kunde-a.example"


def _webmin_users(simulation: Simulation) -> None:
    simulation.host.masters["portal"] = "Portal-Fake-Pw"
    simulation.host.viewers["viewer"] = "Viewer-Fake-Pw"


def _a_user(short: str) -> Callable[[Simulation], None]:
    def create(simulation: Simulation) -> None:
        simulation.host.create_user(simulation.host.domains["kunde-a.example"], short, "Mbox-Fake-Pw-1")

    return create


def _naming_with_at(simulation: Simulation) -> None:
    simulation.host.switches.at_style, simulation.host.switches.hashed = True, False


def _blocked(simulation: Simulation) -> None:
    simulation.blocked_until = CLOSED


def _open_again(simulation: Simulation) -> None:
    simulation.blocked_until = 0.0


def _without_quotas(simulation: Simulation) -> None:
    _open_again(simulation)
    simulation.host.switches.quotas = False


def _with_quotas(simulation: Simulation) -> None:
    simulation.host.switches.quotas = True


def _in_german(simulation: Simulation) -> None:
    simulation.host.switches.language = "de"


def _an_alias_of_two(simulation: Simulation) -> None:
    targets = ["doppelt@kunde-a.example", "x@fremd.example"]
    simulation.host.domains["kunde-a.example"].aliases.append(Alias("zwei@kunde-a.example", targets))


def _a_long_passwd(simulation: Simulation) -> None:
    """So many entries that the new ones get the recorded line numbers."""
    users, aliases = simulation.unix.users, simulation.unix.aliases
    users += [{**users[1], "user": f"system{number}"} for number in range(45 - len(users))]
    aliases += [{**aliases[0], "name": f"other{number}"} for number in range(3 - len(aliases))]


BEFORE: dict[str, Callable[[Simulation], None]] = {
    "93-stderr-noise-list-domains": _a_host_without_mysql,
    "01-create-domain": _the_recorded_host,
    "70-modify-user-add-forward": _anna_as_before,
    "a01-modify-user-add-email": _anna_without_rules,
    "a05-modify-user-remove-email": _carl_gives_addresses_back,
    "b07-get-list": _anna_gets_her_address_back,
    "c01-portal-user-master": _webmin_users,
    "c09-owner-add-email-taken": _a_user("own2"),
    "a52-delete-user-with-alias-refs": _a_user("rennen"),
    "d05-xmlrpc-create-user": _a_long_passwd,
    "e01-create-domain-at-style": _naming_with_at,
    "b20-auth-blocked": _blocked,
    "c08-owner-modify-user-weak": _open_again,
    "f01-no-quota-modify-user": _without_quotas,
    "g01-create-user-random-pass": _with_quotas,
    "g07-german-duplicate": _in_german,
    "a54-list-aliases-after-delete-user": _an_alias_of_two,
}
