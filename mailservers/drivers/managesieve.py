"""A ManageSieve client (RFC 5804): TLS verified or nothing, every size bounded, an end to every wait.

Why not an existing one: docs/decisions/002-managesieve-client.md.
"""

import base64
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Literal, NamedTuple, Self

LONGEST_LINE = 64 * 1024
LONGEST_STRING = 2 * 1024 * 1024  # twice what Pigeonhole allows a script by default
LONGEST_RESPONSE = 4 * 1024 * 1024
MOST_ROWS = 10_000


class ManageSieveError(Exception):
    """The dialogue failed; unless it is a `Rejected`, the connection is closed."""


class NotConnected(ManageSieveError):
    """The server cannot be reached, or closed the connection."""


class TimedOut(ManageSieveError):
    """A limit of connecting, of one read or write, or of the whole dialogue is over."""


class CertificateRejected(ManageSieveError):
    """The server could not show that it is the one it should be."""


class ProtocolError(ManageSieveError):
    """The server said something that the protocol has no place for."""


class _Said(ManageSieveError):
    """What the server says when it does not do as told: `code` in capitals ("QUOTA/MAXSIZE"), or empty."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"({code}) {text}" if code else text)
        self.code = code
        self.text = text


class Rejected(_Said):
    """NO. The connection stays usable, except after a failed sign-in."""


class Bye(_Said):
    """BYE: the server ends the connection, and says why."""


class ScriptEntry(NamedTuple):
    """One of the mailbox's scripts."""

    name: str
    active: bool


class _Token(NamedTuple):
    kind: Literal["atom", "string", "("]
    value: bytes


@dataclass(frozen=True, slots=True)
class _Response:
    """The rows before an OK, the OK's code in capitals, and its text."""

    rows: list[list[_Token]]
    code: str
    text: str


_TOKEN = re.compile(
    rb'[ ]*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"'
    rb"|\{(?P<size>\d{1,10})\+?\}\Z"  # a literal: so many bytes follow after the line end
    rb"|(?P<paren>[()])"
    rb'|(?P<atom>[^\s"(){}]+))'
)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_LINE_END = re.compile(r"\r\n|\r|\n")


class ManageSieveClient:
    """One connection, which stands for one mailbox once `authenticate` has succeeded.

    `tls` must verify the server and its name (`tls_name`, else `host`). The limits: `connect_seconds`
    for all addresses of the host together, `read_seconds` for one read, write or handshake,
    `total_seconds` for the whole life of the connection. Looking up the host's name is up to the system.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext,
        tls_name: str | None = None,
        connect_seconds: float = 5,
        read_seconds: float = 10,
        total_seconds: float = 30,
    ) -> None:
        if tls.verify_mode is not ssl.CERT_REQUIRED or not tls.check_hostname:
            raise ValueError("The TLS context must verify the server's certificate and its name.")
        self._end = time.monotonic() + total_seconds
        self._read_seconds = read_seconds
        self._received = bytearray()
        self._allowance = 0
        self._socket = self._connect(host, port, min(connect_seconds, total_seconds))
        try:
            self.capabilities = self._read_capabilities()
            self._start_tls(tls, tls_name or host)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.logout()
        self.close()

    @property
    def sieve_extensions(self) -> frozenset[str]:
        return frozenset(self.capabilities.get("SIEVE", "").split())

    def authenticate(self, user: str, password: str, *, mailbox: str = "") -> None:
        """Sign in (SASL PLAIN, RFC 4616), as `mailbox` when it is given; a failure closes the connection."""
        if "PLAIN" not in self.capabilities.get("SASL", "").upper().split():
            raise self._misunderstood("the server does not offer SASL PLAIN")
        if "\0" in user + password + mailbox:
            raise ValueError("SASL PLAIN has no way to send a NUL character.")
        message = base64.b64encode(f"{mailbox}\0{user}\0{password}".encode())
        try:
            self._command(b'AUTHENTICATE "PLAIN"', _literal(message))
        except Rejected:
            self.close()
            raise

    def refresh_capabilities(self) -> Mapping[str, str]:
        """Ask anew: some, like MAXREDIRECTS, are told only after signing in."""
        self.capabilities = self._capabilities_in(self._command(b"CAPABILITY", rows=True))
        return self.capabilities

    def list_scripts(self) -> list[ScriptEntry]:
        return [self._script_entry(row) for row in self._command(b"LISTSCRIPTS", rows=True).rows]

    def get_script(self, name: str) -> str:
        """The script to the letter, CRLF line ends included.

        A byte that is no UTF-8 comes as half of a surrogate pair, as which it goes back to the byte.
        """
        match self._command(b"GETSCRIPT", _literal(name), rows=True).rows:
            case [[_Token("string", text)]]:
                return text.decode("utf-8", "surrogateescape")
        raise self._misunderstood("the answer to GETSCRIPT is no script")

    def check_script(self, text: str) -> str:
        """Let the server judge the script without keeping it; answers its warnings."""
        self._need_version()
        return _warnings(self._command(b"CHECKSCRIPT", _script(text)))

    def put_script(self, name: str, text: str, *, to_the_byte: bool = False) -> str:
        """Store the script; answers the server's warnings. `to_the_byte`: with the line ends it has."""
        source = _literal(text) if to_the_byte else _script(text)
        return _warnings(self._command(b"PUTSCRIPT", _literal(name), source))

    def set_active(self, name: str) -> None:
        """Run this script; an empty name means none."""
        self._command(b"SETACTIVE", _literal(name))

    def rename_script(self, old: str, new: str) -> None:
        """The active script stays active under its new name."""
        self._need_version()
        self._command(b"RENAMESCRIPT", _literal(old), _literal(new))

    def delete_script(self, name: str) -> None:
        """The active script cannot be deleted."""
        self._command(b"DELETESCRIPT", _literal(name))

    def noop(self) -> None:
        """See whether the server is still there."""
        self._need_version()
        self._command(b"NOOP")

    def logout(self) -> None:
        """Say goodbye and close. Never fails: what was to be done is done."""
        try:
            self._command(b"LOGOUT")
        except ManageSieveError:
            pass
        finally:
            self.close()

    def close(self) -> None:
        """Close without a word."""
        self._socket.close()
        self._received.clear()

    def _connect(self, host: str, port: int, seconds: float) -> socket.socket:
        end = time.monotonic() + seconds
        failure: OSError = OSError("the host has no address")
        try:
            for family, kind, protocol, _, address in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
                connection = socket.socket(family, kind, protocol)
                try:
                    connection.settimeout(max(end - time.monotonic(), 0.001))
                    connection.connect(address)
                except OSError as error:
                    connection.close()
                    failure = error
                else:
                    # Commands are short and each waits for its answer: nothing is won by collecting them.
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    return connection
        except (OSError, UnicodeError) as error:  # UnicodeError: a name that cannot be one
            raise NotConnected(f"no address for the host: {error}") from error
        if isinstance(failure, TimeoutError):
            raise TimedOut("connecting took too long") from failure
        raise NotConnected(str(failure)) from failure

    def _start_tls(self, tls: ssl.SSLContext, name: str) -> None:
        if "STARTTLS" not in self.capabilities:
            raise ProtocolError("the server does not offer STARTTLS")
        self._command(b"STARTTLS")
        if self._received:
            # Whoever sits in between may have put them there, to be taken for the server's own later.
            raise ProtocolError("there are bytes between STARTTLS and the handshake")
        self._arm()
        try:
            self._socket = tls.wrap_socket(self._socket, server_hostname=name)
        except ssl.SSLCertVerificationError as error:
            raise CertificateRejected(error.verify_message) from error
        except TimeoutError as error:
            raise TimedOut("the TLS handshake took too long") from error
        except OSError as error:
            raise NotConnected(f"the TLS handshake failed: {error}") from error
        # What was told in the clear counts for nothing; the server tells again.
        self.capabilities = self._read_capabilities()

    def _read_capabilities(self) -> Mapping[str, str]:
        return self._capabilities_in(self._read_response(rows=True))

    def _capabilities_in(self, response: _Response) -> Mapping[str, str]:
        found = {}
        for row in response.rows:
            match row:
                case [_Token("string", name)]:
                    found[self._text(name).upper()] = ""
                case [_Token("string", name), _Token("string", value)]:
                    found[self._text(name).upper()] = self._text(value)
                case _:
                    raise self._misunderstood("a capability is not understood")
        return found

    def _script_entry(self, row: list[_Token]) -> ScriptEntry:
        match row:
            case [_Token("string", name)]:
                return ScriptEntry(self._text(name), active=False)
            case [_Token("string", name), _Token("atom", word)] if word.upper() == b"ACTIVE":
                return ScriptEntry(self._text(name), active=True)
        raise self._misunderstood("a listed script is not understood")

    def _need_version(self) -> None:
        # An older server would not know the command, and take a text sent with it for more commands.
        if "VERSION" not in self.capabilities:
            raise self._misunderstood("the server speaks an older protocol than RFC 5804")

    def _command(self, *parts: bytes, rows: bool = False) -> _Response:
        """Send a command and read its response; everything but a NO closes the connection."""
        try:
            if self._received:
                self._read_response(rows=True)  # raises when it is a BYE
                raise ProtocolError("the server answered before it was asked")
            self._send(b" ".join(parts) + b"\r\n")
            return self._read_response(rows=rows)
        except Rejected:
            raise
        except BaseException:
            self.close()
            raise

    def _read_response(self, *, rows: bool) -> _Response:
        """All up to the OK, NO or BYE; `rows` tells whether anything may come before it."""
        self._allowance = LONGEST_RESPONSE
        found: list[list[_Token]] = []
        while True:
            row = self._read_row()
            if row and row[0].kind == "atom":
                return self._judge(row, found)
            if not rows or not row or len(found) == MOST_ROWS:
                raise ProtocolError("the server answered more than was asked")
            found.append(row)

    def _judge(self, row: list[_Token], rows: list[list[_Token]]) -> _Response:
        """The response that ends with this row; NO and BYE are raised."""
        code = text = ""
        match row[1:]:
            case []:
                pass
            case [_Token("string", value)]:
                text = value.decode("utf-8", "replace")
            case [_Token("(", b"("), _Token("atom", word), *rest] if _Token("(", b")") in rest:
                code = word.decode("utf-8", "replace").upper()
                after = rest[rest.index(_Token("(", b")")) + 1 :]
                text = " ".join(token.value.decode("utf-8", "replace") for token in after)
            case _:
                raise ProtocolError("a response is not understood")
        match row[0].value.upper():
            case b"OK":
                return _Response(rows, code, text)
            case b"NO":
                raise Rejected(code, text)
            case b"BYE":
                raise Bye(code, text)
        raise ProtocolError("a response is neither OK nor NO nor BYE")

    def _read_row(self) -> list[_Token]:
        """One row, which goes on over line ends inside its literals."""
        tokens: list[_Token] = []
        while True:
            line = self._read_line().rstrip(b" ")
            position, size = 0, None
            while position < len(line):
                token = _TOKEN.match(line, position)
                if token is None:
                    raise ProtocolError("a line is not understood")
                position = token.end()
                if token["size"] is not None:
                    size = int(token["size"])
                elif token["quoted"] is not None:
                    tokens.append(_Token("string", _ESCAPE.sub(rb"\1", token["quoted"])))
                elif token["paren"] is not None:
                    tokens.append(_Token("(", token["paren"]))
                else:
                    tokens.append(_Token("atom", token["atom"]))
            if size is None:
                return tokens
            tokens.append(_Token("string", self._read_bytes(size)))

    def _read_line(self) -> bytes:
        while (end := self._received.find(b"\r\n", 0, LONGEST_LINE)) < 0:
            if len(self._received) >= LONGEST_LINE:
                raise ProtocolError("a line is too long")
            self._receive()
        line = bytes(self._received[:end])
        del self._received[: end + 2]
        return line

    def _read_bytes(self, size: int) -> bytes:
        if size > LONGEST_STRING:
            raise ProtocolError("a text is too long")
        while len(self._received) < size:
            self._receive()
        text = bytes(self._received[:size])
        del self._received[:size]
        return text

    def _receive(self) -> None:
        self._arm()
        try:
            data = self._socket.recv(65536)
        except TimeoutError as error:
            raise TimedOut("the server is silent") from error
        except OSError as error:
            raise NotConnected(f"the connection broke: {error}") from error
        if not data:
            raise NotConnected("the server closed the connection")
        self._allowance -= len(data)
        if self._allowance < 0:
            raise ProtocolError("a response is too long")
        self._received += data

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            self._arm()
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError as error:
                raise TimedOut("the server does not listen") from error
            except OSError as error:
                raise NotConnected(f"the connection broke: {error}") from error

    def _arm(self) -> None:
        """Let the next wait end at whichever limit comes first."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimedOut("the dialogue took too long")
        try:
            self._socket.settimeout(min(left, self._read_seconds))
        except OSError as error:
            raise NotConnected("the connection is closed") from error

    def _text(self, value: bytes) -> str:
        """Names must come back to the server as they were: rather none than a damaged one."""
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise self._misunderstood("a name is not UTF-8") from None

    def _misunderstood(self, reason: str) -> ProtocolError:
        """Close, as no later answer could be trusted to belong to its question."""
        self.close()
        return ProtocolError(reason)


def _literal(text: str | bytes) -> bytes:
    """In this form any text is safe: its length goes before it, nothing in it is looked at."""
    data = text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text
    return b"{%d+}\r\n%b" % (len(data), data)


def _script(text: str) -> bytes:
    """A script with the line ends that the protocol and Sieve itself ask for."""
    return _literal(_LINE_END.sub("\r\n", text))


def _warnings(response: _Response) -> str:
    return response.text if response.code == "WARNINGS" else ""
