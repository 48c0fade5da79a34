"""A way to a server that can be made bad: silent, broken off in the middle, or closed."""

import socket
import threading
from contextlib import suppress


class BadWay:
    """Passes bytes between whoever connects to `port` and a server; `mode` says how well.

    "open": all bytes. "silent": takes the connection and says nothing. "broken": ends it after
    `after` bytes from the client. "closed": ends it at once.
    """

    def __init__(self, server_port: int) -> None:
        self.mode, self.after = "open", 0
        self._server_port = server_port
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        if self.mode == "closed":
            client.close()
            return
        if self.mode == "silent":
            with suppress(OSError):
                while client.recv(65536):
                    pass
            client.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._server_port))
        except OSError:
            client.close()
            return
        threading.Thread(target=self._pump, args=(server, client, None), daemon=True).start()
        self._pump(client, server, self.after if self.mode == "broken" else None)

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket, most: int | None) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(65536):
                passed += len(data)
                if most is not None and passed > most:
                    break
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
