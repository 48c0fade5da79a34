"""The simulation answers every recorded request as the real Virtualmin did."""

import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree
from xmlrpc.client import Fault, loads

import pytest

from fleet.ports import reserve_port
from fleet.webmin.server import Simulation
from tests.mailservers.virtualmin.recorded import BEFORE, FOLDER, Answer, Recording, recordings

RECORDED = recordings()
# Differ from one server, or one day, to the next.
VOLATILE = re.compile(
    r"encrypted_password|hashed_password|.*_used|.*_used_.*|mail_file.*|created_.*|file|id|.*_id"
    r"|webmin_module_access|home_files_used"
)


@pytest.fixture(scope="module")
def simulation(identity: ssl.SSLContext) -> Iterator[Simulation]:
    started = Simulation(
        reserve_port(), identity, {"user": "root", "password": "Adm1n-Fake-Pw", "key": "unused"}
    )
    thread = threading.Thread(target=started.serve_forever, daemon=True)
    thread.start()
    yield started
    started.shutdown()
    started.server_close()
    thread.join()


@pytest.fixture(scope="module")
def answers(simulation: Simulation, trust: ssl.SSLContext) -> dict[str, Answer]:
    """What the simulation said, by recording; the requests depend on those before them."""
    found = {}
    for recording in RECORDED:
        if recording.name in BEFORE:
            BEFORE[recording.name](simulation)
        found[recording.name] = say(simulation, trust, recording)
    return found


def say(simulation: Simulation, trust: ssl.SSLContext, recording: Recording) -> Answer:
    with socket.create_connection(("127.0.0.1", simulation.server_port), timeout=10) as line:
        if not recording.over_tls:
            return exchange(line, recording.request)
        with trust.wrap_socket(line, server_hostname="localhost") as secured:
            return exchange(secured, recording.request)


def exchange(line: socket.socket, request: bytes) -> Answer:
    line.sendall(request)
    parts = []
    while part := line.recv(65536):
        parts.append(part)
    head, _, body = b"".join(parts).partition(b"\r\n\r\n")
    return Answer.parse(head.decode().replace("\r\n", "\n") + "\n\n" + body.decode())


def test_every_transcript_is_replayed(answers: dict[str, Answer]):
    assert {path.stem for path in FOLDER.iterdir()} == answers.keys()


def test_every_step_between_the_recordings_belongs_to_one():
    assert len(RECORDED) == 207
    assert BEFORE.keys() <= {recording.name for recording in RECORDED}


@pytest.mark.parametrize("recording", RECORDED, ids=lambda recording: recording.name)
def test_answer(recording: Recording, answers: dict[str, Answer]):
    real, ours = recording.answer, answers[recording.name]
    assert ours.status == real.status
    assert ours.headers["connection"] == "close"
    assert kind_of(ours) == kind_of(real)
    assert ours.headers.get("www-authenticate") == real.headers.get("www-authenticate")
    assert ("location" in ours.headers) == ("location" in real.headers)
    match kind_of(real):
        case "application/json":
            compare_envelopes(json.loads(ours.body), json.loads(real.body))
        case "text/plain" if real.body.startswith("{"):
            assert json.loads(ours.body) == json.loads(real.body)
        case "text/plain":
            compare_texts(ours.body, real.body)
        case "text/html":
            assert title_of(ours) == title_of(real)
        case "application/xml":
            compare_trees(ours.body, real.body)
        case "text/xml":
            compare_calls(ours.body, real.body)
        case "":
            assert ours.body == real.body == ""
        case kind:
            raise AssertionError(kind)


def kind_of(answer: Answer) -> str:
    return answer.headers.get("content-type", "").partition(";")[0]


def title_of(answer: Answer) -> str:
    found = re.search(r"<title>(.*?)</title>", answer.body)
    assert found
    return found[1].replace("&mdash;", "—")


def compare_envelopes(ours: dict[str, Any], real: dict[str, Any]) -> None:
    assert ours.keys() == real.keys()
    for key in real.keys() & {"command", "status"}:
        assert ours[key] == real[key]
    if "error" in real:
        assert without_noise(ours["error"]) == without_noise(real["error"])
        mine, theirs = (without_noise(each["full_error"]) for each in (ours, real))
        assert mine.strip().split("\n")[0] == theirs.strip().split("\n")[0]
        assert ("\nvirtualmin " in mine) == ("\nvirtualmin " in theirs)
    if "output" in real:
        compare_outputs(ours["output"], real["output"])
    if "data" in real:
        compare_rows(ours["data"], real["data"])


def compare_outputs(ours: str, real: str) -> None:
    if real.rstrip().endswith("All done!"):  # create-domain tells its steps
        assert ours.rstrip().endswith("All done!")
    else:
        assert without_noise(ours) == without_noise(real)
        assert ours.count("\n[") == real.count("\n[")


def compare_rows(ours: list[dict[str, Any]], real: list[dict[str, Any]]) -> None:
    noise = [row.keys() for row in real if "value" in row]
    assert [row.keys() for row in ours if "value" in row] == noise
    mine, theirs = by_name(ours), by_name(real)
    assert mine.keys() == theirs.keys()
    for name, row in theirs.items():
        assert mine[name].keys() == row.keys()
        if "values" in row:
            compare_values(name, mine[name]["values"], row["values"])
        else:
            assert mine[name] == row


def by_name(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {row["name"].rstrip(): row for row in rows if "value" not in row}


def compare_values(name: str, ours: dict[str, list[str]], real: dict[str, list[str]]) -> None:
    assert ours.keys() == real.keys(), name
    for key, values in real.items():
        if VOLATILE.fullmatch(key):
            assert len(ours[key]) == len(values)
        elif key == "to":  # a file's name holds the domain's number
            assert [re.sub(r"\d{15,}", "N", value) for value in ours[key]] == [
                re.sub(r"\d{15,}", "N", value) for value in values
            ]
        elif key == "extra_addresses":
            assert sorted(ours[key][0].split()) == sorted(values[0].split())
        else:
            assert ours[key] == values, (name, key)


def without_noise(text: str) -> str:
    return re.sub(r"^\[\d\d/\w{3}/\d{4}:.*\n?", "", text, flags=re.M)


def compare_texts(ours: str, real: str) -> None:
    """Lines of a volatile value are compared by their labels, a program's usage not at all."""
    if real.startswith("This CGI is designed"):
        assert ours.startswith("This CGI is designed to be invoked by other programs wanting\n")
    elif "\nvirtualmin " in real:
        assert ours.split("\n", maxsplit=1)[0] == real.split("\n", maxsplit=1)[0]
        assert ours.rstrip().split("\n")[-1] == real.rstrip().split("\n")[-1]
    else:
        hidden = re.compile(r"(used|password): .*")
        mine, theirs = (sorted(hidden.sub(r"\1:", text).split("\n")) for text in (ours, real))
        assert mine == theirs


def compare_trees(ours: str, real: str) -> None:
    mine, theirs = (ElementTree.fromstring(text) for text in (ours, real))  # noqa: S314 - our own files
    assert (mine.tag, mine.attrib) == (theirs.tag, theirs.attrib)
    tags = [[(element.tag, element.attrib) for element in tree.iter()] for tree in (mine, theirs)]
    assert tags[0] == tags[1]
    values = [
        {e.tag: e.text for e in tree.iter() if not VOLATILE.fullmatch(e.tag)} for tree in (mine, theirs)
    ]
    assert {k: (v or "").strip() for k, v in values[0].items()} == {
        k: (v or "").strip() for k, v in values[1].items()
    }


def compare_calls(ours: str, real: str) -> None:
    mine, theirs = read_call(ours), read_call(real)
    assert type(mine) is type(theirs)
    if isinstance(theirs, Fault):
        assert isinstance(mine, Fault)
        assert mine.faultCode == theirs.faultCode
        assert type(mine.faultString) is type(theirs.faultString)
        if theirs.faultCode in (1, 5):
            assert mine.faultString == theirs.faultString
    elif isinstance(theirs, list):  # of other entries than the recording was about, some were cut out
        for entry in theirs:
            key = "user" if "user" in entry else "name"
            if entry[key] in ("xmluser", "xmlalias", "postmaster"):
                compare_entries(next(each for each in mine if each[key] == entry[key]), entry)


def compare_entries(ours: dict[str, Any], real: dict[str, Any]) -> None:
    assert ours.keys() == real.keys()
    for key in real.keys() - {"num", "line", "sline", "eline", "pass"}:
        assert ours[key] == real[key], key


def read_call(text: str) -> Any:
    try:
        parameters, _ = loads(text)
    except Fault as fault:
        return fault
    return parameters[0]
