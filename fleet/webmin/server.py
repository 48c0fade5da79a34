"""The simulation's web server: ``python -m fleet.webmin.server PORT DIRECTORY``.

One TLS port speaks as Webmin's MiniServ does. Tests and the demo steer it through /simulation, with a key.
"""

import base64
import json
import random
import socket
import ssl
import sys
import time
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.sax.saxutils import escape, quoteattr

from fleet.webmin.hosting import Host
from fleet.webmin.programs import OWNERS_MAY, PROGRAMS, Caller, Failed, Programs, Result
from fleet.webmin.rpc import UnixUsers

SIMULATION = "/simulation"
NOT_ARGUMENTS = ("program", "json", "xml", "perl")
TLS_HANDSHAKE = 0x16
HELP = (
    "This CGI is designed to be invoked by other programs wanting\n"
    "to perform some Virtualmin action. (This is a simulation of it.)\n"
)
NOT_ALLOWED = "ERROR: You are not allowed to run remote commands\n"
NOISE = (
    "Failed to get MySQL/MariaDB version for user size map : Failed to get version",
    "Failed to detect MySQL/MariaDB user name length : SQL desc user failed",
)
HTML = "text/html; Charset=UTF-8"


class Simulation(ThreadingHTTPServer):
    """Everything in memory."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, tls: ssl.SSLContext, secrets: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.tls = tls
        self.key = secrets["key"]
        self.host = Host(secrets["user"], secrets["password"])
        self.programs = Programs(self.host)
        self.unix = UnixUsers()
        self.failures = 0
        self.blocked_until = 0.0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def reset(self, secrets: dict[str, str]) -> None:
        """An empty server again."""
        self.host = Host(secrets["user"], secrets["password"])
        self.programs = Programs(self.host)
        self.unix = UnixUsers()
        self.failures, self.blocked_until = 0, 0.0


class Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    server: Simulation
    server_version = "MiniServ"
    sys_version = ""
    timeout = 60
    _plain = False

    def setup(self) -> None:
        # The handshake is made here, in the connection's own thread; plain HTTP is told apart first.
        first = self.request.recv(1, socket.MSG_PEEK)
        self._plain = not first or first[0] != TLS_HANDSHAKE
        if not self._plain:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def version_string(self) -> str:
        return "MiniServ"

    def log_message(self, _format: str, *arguments: Any) -> None:
        """The method, the path and the status; never what came with them."""
        if arguments and isinstance(arguments[0], str) and len(arguments) > 1:
            print(arguments[0].split("?")[0], *arguments[1:2], flush=True)

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length") or 0)))

    def _serve(self, body: bytes) -> None:
        url = urlsplit(self.path)
        if self._plain:
            host = self.headers.get("Host", "localhost")
            self._answer("302 Moved Temporarily", "", b"", {"Location": f"https://{host}"})
        elif url.path == SIMULATION:
            self._steer(body)
        elif self._is_let_in():
            match url.path:
                case "/virtual-server/remote.cgi":
                    self._remote(url.query, body)
                case "/xmlrpc.cgi":
                    allowed = self._user() in self.server.host.masters
                    self._answer(
                        "200 Document follows", "text/xml", self.server.unix.call(body, allowed=allowed)
                    )
                case _:
                    self._page("Login to Webmin")

    # --- who calls

    def _user(self) -> str:
        return self._credentials()[0]

    def _credentials(self) -> tuple[str, str]:
        kind, _, token = self.headers.get("Authorization", "").partition(" ")
        if kind.lower() != "basic":
            return "", ""
        name, _, password = base64.b64decode(token).decode(errors="replace").partition(":")
        return name, password

    def _is_let_in(self) -> bool:
        host, now = self.server.host, time.monotonic()
        if now < self.server.blocked_until:
            self._page(f"403 — Access denied for {self.client_address[0]}", "403 Access denied for 127.0.0.1")
            return False
        name, password = self._credentials()
        owners = {domain.owner: domain.owner_password for domain in host.domains.values()}
        if password and {**owners, **host.viewers, **host.masters}.get(name) == password:
            self.server.failures = 0
            return True
        if name:
            self.server.failures += 1
            if host.switches.delays:
                time.sleep(self.server.failures - 1)
            if self.server.failures >= host.switches.block_after:
                self.server.blocked_until = now + host.switches.block_seconds
                self.server.failures = 0
        self._page(
            "401 — Unauthorized",
            "401 Unauthorized",
            {"WWW-authenticate": 'Basic realm="Webmin Server"'},
        )
        return False

    # --- remote.cgi

    def _remote(self, query: str, body: bytes) -> None:
        fields = parse_qsl(query, keep_blank_values=True)
        if self.headers.get_content_type() == "application/x-www-form-urlencoded":
            fields += parse_qsl(body.decode(), keep_blank_values=True)
        given = dict(fields)
        name = given.get("program", "")
        host, user = self.server.host, self._user()
        host.calls.append({"program": name, "parameters": [key for key, _ in fields], "by": user})
        if self._meets_fault(name):
            return
        if user in host.viewers:
            self._page("Error")
            return
        own = next((domain for domain in host.domains.values() if domain.owner == user), None)
        if own is not None and not (own.may_call and name in OWNERS_MAY):
            self._answer("200 Document follows", "text/plain", NOT_ALLOWED)
        elif not name:
            self._answer("200 Document follows", "text/plain", HELP)
        elif not name.replace("-", "").isalnum():
            self._envelope({"status": "error", "error": "Invalid remote program name"}, given, "text/plain")
        elif name not in PROGRAMS:
            text = f"Remote program {name} does not exist"
            self._envelope({"status": "error", "error": text}, given, "text/plain")
        else:
            self._run(name, fields, given, Caller(user, own))

    def _run(self, name: str, fields: list[tuple[str, str]], given: dict[str, str], caller: Caller) -> None:
        arguments: list[str] = []
        for key, value in fields:
            if key not in NOT_ARGUMENTS:
                arguments.append(f"--{key}")
                # As the shell sees it: no value at all when it is empty, several when it holds line feeds.
                arguments += value.split("\n") if value else []
        noise = [f"[{time.strftime('%d/%b/%Y:%H:%M:%S')} +0000] [127.0.0.1] {line}" for line in NOISE]
        before = "".join(line + "\n" for line in noise) if self.server.host.switches.noise else ""
        try:
            result = self.server.programs.run(name, arguments, caller)
        except Failed as failure:
            text = before + failure.error + "\n"
            if failure.usage:
                text += f"\nThe simulated program.\n\nvirtualmin {name} --domain domain.name\n"
            self._failure(name, text, given)
            return
        envelope: dict[str, object] = {"command": name, "status": "success"}
        if result.rows is None and result.raw is None:
            envelope["output"] = before + result.output
        else:
            envelope["data"] = [
                *(_noise_row(line) for line in noise if before),
                *({"name": row, "values": values} for row, values in result.rows or []),
                *(result.raw or []),
            ]
        if "json" in given:
            self._envelope(envelope, given)
        elif "xml" in given:
            self._answer("200 Document follows", "application/xml", _as_xml(name, result))
        else:
            self._answer("200 Document follows", "text/plain", f"{_as_text(result)}\nExit status: 0\n")

    def _failure(self, name: str, text: str, given: dict[str, str]) -> None:
        if "json" not in given:
            self._answer("200 Document follows", "text/plain", f"{text}\nExit status: 256\n")
            return
        first = next(line for line in text.split("\n") if line.strip())
        self._envelope({"command": name, "status": "failure", "error": first, "full_error": text}, given)

    def _meets_fault(self, program: str) -> bool:
        switches = self.server.host.switches
        if not switches.faults or switches.fault_program not in ("", program):
            return False
        fault = switches.faults.pop(0)
        match fault:
            case "html":
                self._page("Error")
            case "login":
                self._page("Login to Webmin")
            case "redirect":
                self._answer(
                    "302 Moved Temporarily", "", b"", {"Location": "https://elsewhere.test/session_login.cgi"}
                )
            case "cut":
                self._answer("200 Document follows", "application/json", '{"command": "list-users", "da')
            case "array":
                self._answer("200 Document follows", "application/json", "[]")
            case "503":
                self._page("Service unavailable", "503 Service unavailable")
            case "disk-full":
                self._failure(
                    program,
                    "Failed to write to /etc/shadow.webmintmp.1 : No space left on device\n",
                    {"json": "1"},
                )
            case "hang-up":
                self.connection.shutdown(socket.SHUT_RDWR)
            case "slow":
                time.sleep(3)
                return False
            case "drip":
                self._drip()
            case "pass":
                return False
        return True

    def _drip(self) -> None:
        """A byte now and then, for ever."""
        self.wfile.write(b"HTTP/1.0 200 Document follows\r\nContent-type: application/json\r\n\r\n")
        for _ in range(600):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.1)

    # --- answers

    def _envelope(
        self, envelope: dict[str, object], given: dict[str, str], kind: str = "application/json"
    ) -> None:
        shuffled = _shuffled(envelope)
        if given.get("json") == "minified":
            text = json.dumps(shuffled, ensure_ascii=False, separators=(",", ":"))
        else:
            text = json.dumps(shuffled, ensure_ascii=False, indent=3, separators=(",", " : ")) + "\n"
        self._answer("200 Document follows", kind, text)

    def _page(
        self, title: str, status: str = "200 Document follows", headers: dict[str, str] | None = None
    ) -> None:
        page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>{title}</body></html>\n"
        self._answer(status, HTML, page, headers)

    def _answer(
        self, status: str, kind: str, body: str | bytes, headers: dict[str, str] | None = None
    ) -> None:
        code, _, words = status.partition(" ")
        self.send_response(int(code), words)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        if kind:
            self.send_header("Content-type", kind)
        self.end_headers()
        self.wfile.write(body.encode("utf-8", "surrogateescape") if isinstance(body, str) else body)
        self.close_connection = True

    # --- for tests and the demo

    def _steer(self, body: bytes) -> None:  # noqa: PLR0912 - a branch for each wish
        if self.headers.get("X-Simulation-Key") != self.server.key:
            self._answer("404 Not found", "text/plain", "")
            return
        host = self.server.host
        for name, value in json.loads(body or b"{}").items():
            match name:
                case "switches":
                    for switch, wanted in value.items():
                        setattr(host.switches, switch, wanted)
                    self.server.unix.write_seconds = host.switches.write_seconds
                case "domains":
                    for domain in value:
                        host.create_domain(domain, "only the simulation's")
                case "fill":
                    host.fill(value["domain"], value["mailboxes"])
                case "masters" | "viewers":
                    getattr(host, name).update(value)
                case "user":
                    user = host.domains[value.pop("domain")].users[value.pop("short")]
                    for field, wanted in value.items():
                        setattr(user, field, wanted)
                case "unblock":
                    self.server.blocked_until, self.server.failures = 0.0, 0
                case "reset":
                    self.server.reset(value)
                    host = self.server.host
                case "forget_calls":
                    host.calls.clear()
        state = {
            "calls": host.calls,
            "domains": {domain.name: _told(domain) for domain in host.domains.values()}
            if "X-Simulation-State" in self.headers
            else {},
            "unix": {"users": self.server.unix.users, "aliases": self.server.unix.aliases},
        }
        self._answer("200 OK", "application/json", json.dumps(state))


def _told(domain: Any) -> dict[str, Any]:
    return asdict(domain)


def _noise_row(line: str) -> dict[str, str]:
    name, _, value = line.partition(":")
    return {"name": name, "value": value}


def _shuffled(value: Any) -> Any:
    """The same with the keys in another order each time, as Perl's."""
    if isinstance(value, dict):
        keys = list(value)
        random.shuffle(keys)
        return {key: _shuffled(value[key]) for key in keys}
    if isinstance(value, list):
        return [_shuffled(item) for item in value]
    return value


def _as_text(result: Result) -> str:
    if result.rows is None:
        return result.output
    lines = []
    for name, values in result.rows:
        lines.append(name)
        for key, found in values.items():
            label = key.replace("_", " ").replace("ftp ", "FTP ")
            lines += [f"    {label[0].upper()}{label[1:]}: {value}" for value in found]
    return "".join(line + "\n" for line in lines)


def _as_xml(command: str, result: Result) -> str:
    parts = [f'<api command={quoteattr(command)} status="success">']
    for name, values in result.rows or []:
        parts += [f"  <data name={quoteattr(name)}>", "    <values>"]
        for key in sorted(values):
            parts += [f"      <{key}>{escape(value)}</{key}>" for value in values[key]]
        parts += ["    </values>", "  </data>"]
    return "\n".join([*parts, "</api>", ""])


if __name__ == "__main__":
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    place = Path(sys.argv[2])
    context.load_cert_chain(place / "tls" / "server.crt", place / "tls" / "server.key")
    Simulation(int(sys.argv[1]), context, json.loads((place / "secrets.json").read_text())).serve_forever()
