"""Servers that misbehave as told: no real one can be brought to be silent, drip or lie just then."""

import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Self

CAPABILITIES = (
    b'"IMPLEMENTATION" "Scripted"\r\n"SASL" "PLAIN"\r\n"SIEVE" "fileinto vacation"\r\n"VERSION" "1.0"\r\n'
)
GREETING = CAPABILITIES + b'"STARTTLS"\r\nOK "Hello."\r\n'


class Line:
    """The server's end of one connection."""

    def __init__(self, connection: socket.socket, tls: ssl.SSLContext) -> None:
        self.connection = connection
        self.heard: list[bytes] = []
        self._tls = tls
        self._received = b""

    def say(self, data: bytes) -> Self:
        self.connection.sendall(data)
        return self

    def hear(self) -> bytes:
        """One command, with the literals in it; empty when the client has closed."""
        command = b""
        while True:
            while b"\r\n" not in self._received:
                if not self._receive():
                    return b""
            line, self._received = self._received.split(b"\r\n", 1)
            command += line + b"\r\n"
            literal = re.search(rb"\{(\d+)\+\}$", line)
            if literal is None:
                self.heard.append(command)
                return command
            while len(self._received) < int(literal[1]):
                if not self._receive():
                    return b""
            command += self._received[: int(literal[1])]
            self._received = self._received[int(literal[1]) :]

    def read(self, size: int) -> bytes:
        """So many bytes, or as many as came before the client closed."""
        while len(self._received) < size and self._receive():
            pass
        data, self._received = self._received[:size], self._received[size:]
        return data

    def hear_request(self) -> Self:
        """A request over HTTPS, its body included: else closing would reset the connection."""
        self.shake_hands()
        size = 0
        while (header := self.hear()) not in (b"", b"\r\n"):
            if header.lower().startswith(b"content-length:"):
                size = int(header.split(b":")[1])
        self.read(size)
        return self

    def answer(self, *answers: bytes) -> Self:
        """Hear a command before each answer."""
        for answer in answers:
            self.hear()
            self.say(answer)
        return self

    def start_tls(self, capabilities: bytes = CAPABILITIES) -> Self:
        """Greet, take STARTTLS, shake hands, and tell the capabilities again."""
        return self.say(GREETING).answer(b"OK\r\n").shake_hands().say(capabilities + b"OK\r\n")

    def shake_hands(self) -> Self:
        self.connection = self._tls.wrap_socket(self.connection, server_side=True)
        return self

    def sign_in(self) -> Self:
        return self.start_tls().answer(b"OK\r\n")

    def drip(self, data: bytes, pause: float, stop: threading.Event) -> None:
        for byte in data:
            if stop.wait(pause):
                return
            self.say(bytes([byte]))

    def reset(self) -> None:
        """Close as a crashed server does: the client gets a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def is_closed(self) -> bool:
        """The client is gone, and has said nothing more."""
        self.connection.settimeout(5)
        try:
            return not self._received and self.connection.recv(1) == b""
        except ConnectionError:
            return True

    def _receive(self) -> bool:
        data = self.connection.recv(65536)
        self._received += data
        return bool(data)


Script = Callable[[Line], object]


class ScriptedServer:
    """Answers so many connections with `script`, one after the other, on a loopback port."""

    def __init__(self, script: Script, tls: ssl.SSLContext, connections: int = 1) -> None:
        self.lines: list[Line] = []
        self.stopping = threading.Event()
        self._script = script
        self._tls = tls
        self._connections = connections
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def line(self) -> Line:
        """The first connection, once the script is through with it."""
        self._thread.join(10)
        return self.lines[0]

    def stop(self) -> None:
        self.stopping.set()
        for end in (self._listener, *(line.connection for line in self.lines)):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)  # wakes the thread, which closing alone would not
            end.close()
        self._thread.join(10)

    def _serve(self) -> None:
        for _each in range(self._connections):
            with suppress(OSError):  # the client hung up, which is what most scripts are about
                connection, _ = self._listener.accept()
                connection.settimeout(30)
                self.lines.append(Line(connection, self._tls))
                self._script(self.lines[-1])
