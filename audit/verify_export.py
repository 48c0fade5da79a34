"""Checks an export or archive of the audit chain, for people without the portal.

Needs Python 3.11 and the package `cryptography`, and nothing else of the portal: take this file alone.
The format is told in docs/audit-format.md. Prints what is wrong, one sentence a line; ends with 1 if
anything is.
"""

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

FORMAT = "mail-portal-audit-1"
LINKED = (
    *("lane", "place", "number", "at", "by", "on_behalf_of", "request_id", "verb", "outcome"),
    *("subject_kind", "subject_id", "domain", "previous_hash"),
)
Ends = dict[int, tuple[int, str]]


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digest(event: dict[str, Any], group: str) -> str:
    erased = str(event[f"{group}_digest"])
    return erased or sha256(str(event[f"{group}_salt"]).encode() + canonical(event[group]))


def hash_of(event: dict[str, Any]) -> str:
    link = {name: event[name] for name in LINKED}
    return sha256(canonical(link | {"who": digest(event, "who"), "what": digest(event, "what")}))


def ends_in(told: dict[str, Any]) -> Ends:
    return {int(lane): (end["place"], end["hash"]) for lane, end in told.items()}


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as raw, gzip.open(raw) if path.suffix == ".gz" else raw as file:
        for line in file:
            yield json.loads(line)


def problems(  # noqa: PLR0912 - one reading, top to bottom, as the format is told
    lines: Iterable[dict[str, Any]], key: Ed25519PublicKey, outside: list[Any]
) -> Iterator[str]:
    """A sentence for each thing that is wrong."""
    rows = iter(lines)
    first = next(rows, {})
    if first.get("format") != FORMAT:
        yield "This is no export of an audit chain, or one of another version."
        return
    begins = ends_in(first["begins"])
    ends, seals, closed = dict(begins), [], False
    # The hashes at the places that seals may speak of: all of them, 64 bytes each.
    seen: dict[tuple[int, int], str] = {}
    for row in rows:
        if closed:
            yield "There is something behind the end."
        elif "event" in row:
            event = row["event"]
            place, previous = ends.get(event["lane"], (0, ""))
            if event["place"] != place + 1:
                yield (
                    f"Event {event['number']} is at place {event['place']} of lane {event['lane']},"
                    f" but comes after place {place}."
                )
            elif event["previous_hash"] != previous:
                yield f"Event {event['number']} does not follow the event before it."
            if hash_of(event) != event["hash"]:
                yield f"Event {event['number']} was changed."
            ends[event["lane"]] = (event["place"], event["hash"])
            seen[event["lane"], event["place"]] = event["hash"]
        elif "seal" in row:
            seals.append(row["seal"])
        if "ends" in row:
            closed = True
            if ends_in(row["ends"]) != ends:
                yield "The events do not end where the last line says."
    if first.get("kind") == "archive":
        if not seals or ends_in(seals[-1]["statement"]["ends"]) != ends:
            yield "The archive does not hold what its seal says."
    elif not closed:
        yield "The end is missing: the file was cut off."
    yield from seal_problems(seals, key, begins, ends, seen, in_a_row=first.get("kind") != "archive")
    yield from seal_problems(outside, key, begins, ends, seen, in_a_row=False)


def seal_problems(
    seals: list[Any],
    key: Ed25519PublicKey,
    begins: Ends,
    ends: Ends,
    seen: dict[tuple[int, int], str],
    *,
    in_a_row: bool,
) -> Iterator[str]:
    previous = ""
    for seal in seals:
        statement = seal["statement"]
        name = f"{statement['kind']} of {statement['made_at']}"
        try:
            key.verify(bytes.fromhex(seal["signature"]), canonical(statement))
        except (InvalidSignature, ValueError):
            yield f"The signature of the {name} is not right for this key."
        if in_a_row and statement["previous"] != previous:
            yield f"The {name} does not follow the one before it."
        previous = sha256(canonical(statement))
        for lane, (place, ending) in ends_in(statement["ends"]).items():
            if place > ends.get(lane, (0, ""))[0]:
                yield f"Lane {lane} had {place} events at the {name}, and has fewer here."
            elif place > begins.get(lane, (0, ""))[0] and seen[lane, place] != ending:
                yield f"Lane {lane} has another event at place {place} than at the {name}."


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Checks an export or archive of a mail portal's audit chain."
    )
    parser.add_argument("--key", type=Path, required=True, help="the portal's public key, in PEM")
    parser.add_argument("file", type=Path, help="the export or archive; .gz is unpacked")
    parser.add_argument("checkpoint", type=Path, nargs="*", help="checkpoints that were kept elsewhere")
    arguments = parser.parse_args()
    try:
        key = load_pem_public_key(arguments.key.read_bytes())
        outside = [json.loads(path.read_text(encoding="utf-8")) for path in arguments.checkpoint]
        if not isinstance(key, Ed25519PublicKey):
            raise TypeError("the key is of another kind than Ed25519")
        found = list(problems(lines_of(arguments.file), key, outside))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        found = [f"It can't be read: {error or type(error).__name__}."]
    for sentence in found:
        print(sentence, file=sys.stderr)
    if not found:
        name = sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw))
        print(f"All is as it was recorded. Key: {name}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
