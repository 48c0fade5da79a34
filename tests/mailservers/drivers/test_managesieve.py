"""The ManageSieve client, against servers that misbehave: what it must survive, and what it never does."""

import base64
import contextlib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fleet.certificates import CertificateAuthority
from mailservers.drivers import managesieve
from mailservers.drivers.managesieve import (
    Bye,
    CertificateRejected,
    ManageSieveClient,
    ManageSieveError,
    NotConnected,
    ProtocolError,
    Rejected,
    ScriptEntry,
    TimedOut,
)
from tests.mailservers.drivers.scripted import CAPABILITIES, GREETING, Line, Script, ScriptedServer

SECRET = "master-secret-7431"

Serve = Callable[[Script], ScriptedServer]
Connect = Callable[..., ManageSieveClient]


@pytest.fixture
def connect(trust: ssl.SSLContext) -> Connect:
    """A client with short limits."""

    def connect(server: ScriptedServer | int, **options: Any) -> ManageSieveClient:
        port = server if isinstance(server, int) else server.port
        limits = {"connect_seconds": 0.5, "read_seconds": 0.5, "total_seconds": 1.5}
        return ManageSieveClient("localhost", port, **{"tls": trust, **limits, **options})

    return connect


@pytest.fixture
def signed_in(serve: Serve, connect: Connect) -> Callable[..., ManageSieveClient]:
    """A signed-in client of a server that gives these answers, one for each command."""

    def signed_in(*answers: bytes) -> ManageSieveClient:
        client = connect(serve(lambda line: line.sign_in().answer(*answers).hear()))
        client.authenticate("portal", SECRET, mailbox="anna")
        return client

    return signed_in


@contextlib.contextmanager
def takes_at_most(seconds: float) -> Iterator[None]:
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


# --- signing in


def test_it_signs_in_as_master_user_for_the_mailbox(serve: Serve, connect: Connect) -> None:
    server = serve(Line.sign_in)
    connect(server).authenticate("portal", "pässwörd", mailbox="anna@example.test")
    command = server.line.heard[-1]
    assert command.startswith(b'AUTHENTICATE "PLAIN" {')
    assert base64.b64decode(command.split(b"\r\n")[1]).decode() == "anna@example.test\0portal\0pässwörd"


def test_a_failed_sign_in_closes_the_connection_and_keeps_the_secret(serve: Serve, connect: Connect) -> None:
    server = serve(lambda line: line.start_tls().answer(b'NO "Authentication failed."\r\n'))
    client = connect(server)
    with pytest.raises(Rejected, match="Authentication failed") as failure:
        client.authenticate("portal", SECRET, mailbox="anna")
    assert server.line.is_closed()
    encoded = base64.b64encode(f"anna\0portal\0{SECRET}".encode()).decode()
    for text in (str(failure.value), repr(failure.value), repr(client), repr(vars(client))):
        assert SECRET not in text
        assert encoded not in text


def test_a_nul_cannot_smuggle_another_identity_in(serve: Serve, connect: Connect) -> None:
    client = connect(serve(Line.start_tls))
    with pytest.raises(ValueError, match="NUL"):
        client.authenticate("portal", SECRET, mailbox="anna\0root")


def test_without_plain_nothing_is_sent(serve: Serve, connect: Connect) -> None:
    offers = CAPABILITIES.replace(b'"PLAIN"', b'"SCRAM-SHA-256"')
    server = serve(lambda line: line.start_tls(offers))
    with pytest.raises(ProtocolError, match="PLAIN"):
        connect(server).authenticate("portal", SECRET)
    assert server.line.is_closed()


# --- TLS: fault 1 and 3 of sievelib's client


def test_bytes_before_the_handshake_end_the_connection(serve: Serve, connect: Connect) -> None:
    """Else a man in the middle could answer in the server's name: all answers would be one too early."""
    server = serve(lambda line: line.say(GREETING).answer(b'OK\r\nOK "You are in."\r\n'))
    with pytest.raises(ProtocolError, match="between STARTTLS and the handshake"):
        connect(server)
    assert server.line.is_closed()
    assert server.line.heard == [b"STARTTLS\r\n"]


def test_bytes_that_come_in_a_later_packet_are_no_answer_either(serve: Serve, connect: Connect) -> None:
    def script(line: Line) -> None:
        line.say(GREETING)
        line.answer(b"OK\r\n")
        time.sleep(0.1)
        line.say(b'OK "You are in."\r\n')

    with pytest.raises(NotConnected, match="handshake"):
        connect(serve(script))


def test_capabilities_told_in_the_clear_count_for_nothing(serve: Serve, connect: Connect) -> None:
    def script(line: Line) -> None:
        line.say(GREETING.replace(b'"fileinto vacation"', b'"invented"'))
        line.answer(b"OK\r\n")
        line.shake_hands()
        line.say(CAPABILITIES + b"OK\r\n")

    assert connect(serve(script)).sieve_extensions == {"fileinto", "vacation"}


def test_a_server_without_starttls_hears_nothing_at_all(serve: Serve, connect: Connect) -> None:
    server = serve(lambda line: line.say(CAPABILITIES + b"OK\r\n"))
    with pytest.raises(ProtocolError, match="STARTTLS"):
        connect(server)
    assert server.line.is_closed()
    assert server.line.heard == []


def test_a_server_that_refuses_starttls_hears_no_more(serve: Serve, connect: Connect) -> None:
    server = serve(lambda line: line.say(GREETING).answer(b'NO "Not today."\r\n'))
    with pytest.raises(Rejected, match="Not today"):
        connect(server)
    assert server.line.is_closed()


def test_only_the_given_authority_is_trusted(serve: Serve, connect: Connect) -> None:
    with pytest.raises(CertificateRejected, match="issuer"):
        connect(serve(Line.start_tls), tls=ssl.create_default_context())


def test_the_certificate_must_bear_the_name(serve: Serve, connect: Connect) -> None:
    with pytest.raises(CertificateRejected, match=r"not valid for 'other\.test'"):
        connect(serve(Line.start_tls), tls_name="other.test")
    connect(serve(Line.start_tls), tls_name="scripted.test").close()


def test_a_context_that_verifies_nothing_is_no_context(certificates: CertificateAuthority) -> None:
    nameless = ssl.create_default_context(cafile=str(certificates.ca_file))
    nameless.check_hostname = False
    for context in (ssl._create_unverified_context(), nameless):  # noqa: S323 - to see it refused
        with pytest.raises(ValueError, match="must verify"):
            ManageSieveClient("localhost", 1, tls=context)


# --- time: fault 4


def test_connecting_has_an_end(connect: Connect) -> None:
    with contextlib.ExitStack() as stack:
        full = stack.enter_context(socket.socket())
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # the queue is full: the kernel drops whoever else knocks
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        with takes_at_most(1.2), pytest.raises(TimedOut, match="connecting"):
            connect(full.getsockname()[1])


@pytest.mark.parametrize("moment", ["greeting", "starttls", "handshake", "answer"])
def test_a_silent_server_is_left(moment: str, serve: Serve, connect: Connect) -> None:
    def script(line: Line) -> None:
        if moment != "greeting":
            line.say(GREETING)
            line.hear()
        if moment in ("handshake", "answer"):
            line.say(b"OK\r\n")
        if moment == "answer":
            line.shake_hands()
            line.say(CAPABILITIES + b"OK\r\n")
        line.hear()
        server.stopping.wait(10)

    server = serve(script)
    with takes_at_most(1.2), pytest.raises(TimedOut):
        connect(server).authenticate("portal", SECRET)


@pytest.mark.parametrize("moment", ["greeting", "handshake", "answer"])
def test_a_dripping_server_is_left_when_the_total_is_over(
    moment: str, serve: Serve, connect: Connect
) -> None:
    """Each byte comes in time; only the limit for the whole ends it."""

    def script(line: Line) -> None:
        if moment == "greeting":
            line.drip(GREETING * 100, 0.1, server.stopping)
        line.say(GREETING)
        line.answer(b"OK\r\n")
        if moment == "handshake":
            line.drip(b"\x16\x03\x03\x10\x00" + bytes(1000), 0.1, server.stopping)
        line.shake_hands()
        line.say(CAPABILITIES + b"OK\r\n")
        line.hear()
        line.drip(b'OK "' + b"x" * 1000, 0.1, server.stopping)

    server = serve(script)
    with takes_at_most(2.2), pytest.raises(TimedOut):
        connect(server).authenticate("portal", SECRET)


def test_a_server_that_does_not_listen_is_left(serve: Serve, connect: Connect) -> None:
    def script(line: Line) -> None:
        line.sign_in()
        server.stopping.wait(10)

    server = serve(script)
    client = connect(server)
    client.authenticate("portal", SECRET)
    with takes_at_most(2.2), pytest.raises(TimedOut):
        client.put_script("portal", "#" * 20_000_000)


def test_a_slow_answer_within_the_limits_is_waited_for(serve: Serve, connect: Connect) -> None:
    def script(line: Line) -> None:
        line.start_tls()
        line.hear()
        time.sleep(0.7)
        line.say(b"OK\r\n")

    connect(serve(script), read_seconds=1).authenticate("portal", SECRET)


# --- broken connections: fault 5


def test_nobody_listens(connect: Connect) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NotConnected, match="refused"):
        connect(port)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "", "a" * 70 + ".test", "x..y"])
def test_no_such_host(host: str, trust: ssl.SSLContext) -> None:
    with pytest.raises(NotConnected):
        ManageSieveClient(host, 4190, tls=trust, total_seconds=1)


@pytest.mark.parametrize("end", [Line.reset, lambda line: line.connection.close()])
@pytest.mark.parametrize("greeted", [False, True])
def test_a_lost_connection_is_our_own_error(
    end: Script, greeted: bool, serve: Serve, connect: Connect
) -> None:
    def script(line: Line) -> None:
        if greeted:
            line.start_tls()
            line.hear()
        end(line)

    server = serve(script)
    with pytest.raises(NotConnected):
        connect(server).authenticate("portal", SECRET)


def test_goodbye_is_told_with_its_code_and_text(signed_in: Callable[..., ManageSieveClient]) -> None:
    client = signed_in(b'BYE (TRYLATER) "Going down for maintenance."\r\n')
    with pytest.raises(Bye) as end:
        client.list_scripts()
    assert (end.value.code, end.value.text) == ("TRYLATER", "Going down for maintenance.")
    with pytest.raises(NotConnected, match="closed"):
        client.list_scripts()


def test_a_goodbye_in_the_greeting(serve: Serve, connect: Connect) -> None:
    with pytest.raises(Bye, match="Too many"):
        connect(serve(lambda line: line.say(b'BYE "Too many connections."\r\n')))


def test_a_goodbye_nobody_asked_for_is_seen_before_the_next_command(
    signed_in: Callable[..., ManageSieveClient],
) -> None:
    client = signed_in(b'OK\r\nBYE "Idle for too long."\r\n')
    client.noop()
    with pytest.raises(Bye, match="Idle for too long"):
        client.noop()


def test_answers_never_get_out_of_step(signed_in: Callable[..., ManageSieveClient]) -> None:
    client = signed_in(b'OK\r\nOK "One too many."\r\n')
    client.noop()
    with pytest.raises(ProtocolError, match="before it was asked"):
        client.put_script("portal", "keep;")


# --- NO: fault 6


def test_a_no_carries_its_own_code_and_the_connection_goes_on(
    signed_in: Callable[..., ManageSieveClient],
) -> None:
    client = signed_in(
        b'NO (QUOTA/MAXSIZE) "Script is too large (max 65536 bytes)."\r\n',
        b"OK\r\n",
        b'NO "line 1: error"\r\n',
        b'NO (TAG "a)b\\"") "tagged"\r\n',
        b"no {5}\r\nplain\r\n",
        b"OK\r\n",
    )
    with pytest.raises(Rejected) as failure:
        client.put_script("portal", "#" * 70_000)
    assert (failure.value.code, failure.value.text) == (
        "QUOTA/MAXSIZE",
        "Script is too large (max 65536 bytes).",
    )
    client.noop()
    with pytest.raises(Rejected) as failure:
        client.check_script("nonsense")
    assert (failure.value.code, failure.value.text) == ("", "line 1: error")
    with pytest.raises(Rejected) as failure:
        client.set_active("x")
    assert (failure.value.code, failure.value.text) == ("TAG", "tagged")
    with pytest.raises(Rejected, match="plain"):
        client.delete_script("x")
    client.noop()


# --- texts in both directions: faults 2 and 7


def test_warnings_are_read_to_their_end_and_answered(signed_in: Callable[..., ManageSieveClient]) -> None:
    warning = b"line 1: warning: OK\r\nNO more than 60 days"
    client = signed_in(
        b"OK (WARNINGS) {%d}\r\n%b\r\n" % (len(warning), warning),
        b'OK (WARNINGS) "mind the gap"\r\n',
        b'OK "PUTSCRIPT completed."\r\n',
        b'"NOtes" ACTIVE\r\n"OKs"\r\nOK\r\n',
    )
    assert client.put_script("portal", "keep;") == warning.decode()
    assert client.check_script("keep;") == "mind the gap"
    assert client.put_script("portal", "keep;") == ""
    assert client.list_scripts() == [ScriptEntry("NOtes", active=True), ScriptEntry("OKs", active=False)]


def test_names_are_listed_as_they_are(signed_in: Callable[..., ManageSieveClient]) -> None:
    client = signed_in(
        b'"say \\"hi\\" \\\\o/"\r\n'
        b'{10}\r\n"a\\b"\r\nOK" ACTIVE\r\n'
        b'{4+}\r\nt{5}\r\n"' + "Büro".encode() + b'" active\r\nOK\r\n'
    )
    names = ['say "hi" \\o/', '"a\\b"\r\nOK"', "t{5}", "Büro"]
    assert [entry.name for entry in client.list_scripts()] == names


def test_names_and_scripts_are_sent_as_literals(serve: Serve, connect: Connect) -> None:
    server = serve(lambda line: line.sign_in().answer(b"OK\r\n", b"OK\r\n", b"OK\r\n"))
    client = connect(server)
    client.authenticate("portal", SECRET)
    client.put_script('x" {3+}\\', "keep;\n# ü\r\n.\rstop;")
    client.set_active("")
    client.rename_script("a", "b")
    assert server.line.heard[-3:] == [
        b'PUTSCRIPT {8+}\r\nx" {3+}\\ {21+}\r\nkeep;\r\n# \xc3\xbc\r\n.\r\nstop;\r\n',
        b"SETACTIVE {0+}\r\n\r\n",
        b"RENAMESCRIPT {1+}\r\na {1+}\r\nb\r\n",
    ]


@pytest.mark.parametrize("text", ["", "keep;", "keep;\r\n", "keep;\r\n\r\n", "OK\r\nNO\r\n", "ü€😀 {9}"])
def test_a_script_comes_to_the_letter(text: str, signed_in: Callable[..., ManageSieveClient]) -> None:
    data = text.encode()
    client = signed_in(b'{%d}\r\n%b\r\nOK "Getscript completed."\r\n' % (len(data), data))
    assert client.get_script("portal") == text


# --- the rest of the protocol: fault 8


def test_logout_says_goodbye_and_closes(serve: Serve, connect: Connect) -> None:
    server = serve(lambda line: line.sign_in().answer(b'OK "Bye."\r\n'))
    client = connect(server)
    client.authenticate("portal", SECRET)
    client.logout()
    assert server.line.heard[-1] == b"LOGOUT\r\n"
    assert server.line.is_closed()


def test_a_goodbye_without_an_answer_does_no_harm(serve: Serve, connect: Connect) -> None:
    with connect(serve(Line.start_tls)):
        pass


def test_an_error_inside_with_closes_at_once(serve: Serve, connect: Connect) -> None:
    server = serve(Line.start_tls)
    with pytest.raises(KeyError), connect(server):
        raise KeyError
    assert server.line.is_closed()
    assert server.line.heard == [b"STARTTLS\r\n"]


def test_limits_told_after_signing_in_can_be_seen(signed_in: Callable[..., ManageSieveClient]) -> None:
    client = signed_in(CAPABILITIES + b'"MAXREDIRECTS" "4"\r\nOK\r\n')
    assert "MAXREDIRECTS" not in client.capabilities
    assert client.refresh_capabilities()["MAXREDIRECTS"] == "4"


def test_an_old_server_is_not_sent_what_it_does_not_know(serve: Serve, connect: Connect) -> None:
    """It would read the script as commands."""
    offers = CAPABILITIES.replace(b'"VERSION" "1.0"\r\n', b"")
    server = serve(lambda line: line.start_tls(offers).answer(b"OK\r\n"))
    client = connect(server)
    client.authenticate("portal", SECRET)
    with pytest.raises(ProtocolError, match="older"):
        client.check_script("LOGOUT")
    assert server.line.is_closed()


@pytest.mark.parametrize(
    "answer",
    [
        b"HELLO\r\n",
        b"\r\n",
        b'OK (WARNINGS "x"\r\n',
        b"OK what\r\n",
        b'"open\r\n',
        b"{5} x\r\nOK\r\n",
        b"* OK\r\n",
        b'"a" "b" "c"\r\nOK\r\n',
        b'"a" PASSIVE\r\nOK\r\n',
        b'"\xff"\r\nOK\r\n',
        b"x" * (managesieve.LONGEST_LINE + 10),
        b"{99999999}\r\n",
        b"{99999999999999999999}\r\n",
        b'"a"\r\n' * (managesieve.MOST_ROWS + 1),
        (b"{1000000}\r\n" + b"x" * 1000000 + b"\r\n") * 5,
    ],
    ids=lambda answer: repr(answer[:20]),
)
def test_nonsense_ends_the_connection(answer: bytes, signed_in: Callable[..., ManageSieveClient]) -> None:
    client = signed_in(answer)
    with pytest.raises(ProtocolError):
        client.list_scripts()
    with pytest.raises(NotConnected, match="closed"):
        client.list_scripts()


@pytest.mark.parametrize("answer", [b"OK\r\n", b'"a"\r\n"b"\r\nOK\r\n', b"ACTIVE\r\nOK\r\n"])
def test_an_answer_to_getscript_holds_one_script(
    answer: bytes, signed_in: Callable[..., ManageSieveClient]
) -> None:
    client = signed_in(answer)
    with pytest.raises(ProtocolError):
        client.get_script("portal")


def test_an_interruption_closes_too(serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """Celery's time limit comes as an exception in the middle of a read."""
    server = serve(Line.sign_in)
    client = connect(server)
    client.authenticate("portal", SECRET)

    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(client, "_receive", interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.noop()
    monkeypatch.undo()
    with pytest.raises(ManageSieveError, match="closed"):
        client.noop()
