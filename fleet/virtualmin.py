"""A simulated Webmin with Virtualmin on loopback: no mail, but the answers of a real one."""

import json
import secrets
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from fleet.certificates import CertificateAuthority
from fleet.ports import reserve_port
from fleet.processes import ChildProcess, accepts_connections

CHECKOUT = Path(__file__).parent.parent


class Virtualmin:
    """remote.cgi and xmlrpc.cgi over TLS, as a child process with its state in memory.

    `switch`, `create_domains`, `fill` and `state` steer and show it; see fleet/webmin/hosting.py.
    """

    def __init__(self, name: str, directory: Path, certificates: CertificateAuthority) -> None:
        self.name = name
        self.directory = directory.resolve()
        self.port = reserve_port()
        self.ca_file = certificates.ca_file
        self.user = "portal"
        self.password = secrets.token_urlsafe(24)
        self._key = secrets.token_urlsafe(24)
        certificates.issue(name, self.directory / "tls")
        hidden = self.directory / "secrets.json"
        hidden.touch(mode=0o600)
        hidden.write_text(json.dumps({"user": self.user, "password": self.password, "key": self._key}))
        self._client: httpx.Client | None = None
        self._process = ChildProcess(
            f"The simulated Virtualmin {name}",
            [sys.executable, "-m", "fleet.webmin.server", str(self.port), self.directory],
            self.directory / "webmin.log",
            cwd=CHECKOUT,
        )

    @property
    def log(self) -> Path:
        return self._process.log

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def start(self) -> None:
        self._process.start(lambda: accepts_connections(self.port))

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        self._process.kill()

    def endpoints(self) -> dict[str, Any]:
        """Where the portal's driver finds this server; no secrets."""
        return {
            "url": self.url,
            "ca_file": str(self.ca_file),
            "time_zone": "Europe/Brussels",
            "simulation": True,
        }

    def credentials(self) -> dict[str, str]:
        return {"user": self.user, "password": self.password}

    def switch(self, **switches: Any) -> None:
        """Change how it behaves."""
        self._steer({"switches": switches})

    def reset(self) -> None:
        """An empty server again, behaving as usual."""
        self._steer({"reset": {"user": self.user, "password": self.password}})

    def create_domains(self, *names: str) -> None:
        self._steer({"domains": names})

    def fill(self, domain: str, mailboxes: int) -> None:
        self._steer({"fill": {"domain": domain, "mailboxes": mailboxes}})

    def change_behind_our_back(self, domain: str, short: str, **values: Any) -> None:
        """Set a mailbox's fields as an administrator on the server might."""
        self._steer({"user": {"domain": domain, "short": short, **values}})

    def steer(self, **wishes: Any) -> None:
        """Any other wish that fleet/webmin/server.py knows."""
        self._steer(wishes)

    def calls(self) -> list[dict[str, Any]]:
        """The programs called so far, with the names of their parameters."""
        found: list[dict[str, Any]] = self._steer({})["calls"]
        return found

    def state(self) -> dict[str, Any]:
        """Everything it holds, by domain."""
        found: dict[str, Any] = self._steer({}, whole=True)["domains"]
        return found

    def unix(self) -> dict[str, list[dict[str, Any]]]:
        """/etc/passwd and /etc/aliases, as xmlrpc.cgi knows them."""
        found: dict[str, list[dict[str, Any]]] = self._steer({})["unix"]
        return found

    def call(self, program: str, **parameters: str) -> dict[str, Any]:
        """Run a program as an administrator would, beside the portal."""
        answer = httpx.post(
            f"{self.url}/virtual-server/remote.cgi",
            data={"program": program, "json": "1", **parameters},
            auth=(self.user, self.password),
            verify=self._tls(),
            trust_env=False,
            timeout=60,
        )
        found: dict[str, Any] = answer.json()
        return found

    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.ca_file))

    def _steer(self, wishes: Mapping[str, Any], *, whole: bool = False) -> dict[str, Any]:
        if self._client is None:
            self._client = httpx.Client(verify=self._tls(), trust_env=False, timeout=60)
        headers = {"X-Simulation-Key": self._key} | ({"X-Simulation-State": "whole"} if whole else {})
        answer = self._client.post(f"{self.url}/simulation", json=dict(wishes), headers=headers)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found
