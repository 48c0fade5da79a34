"""An SMTP server that keeps all mail and sends none: ``python -m fleet.sink PORT DIRECTORY``."""

import asyncio
import email.policy
import itertools
import sys
import time
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from fleet.ports import reserve_port
from fleet.processes import POLL_SECONDS, ChildProcess, accepts_connections

CHECKOUT = Path(__file__).parent.parent


class Sink:
    """The sink as a child process. What it took is in the Maildir `maildir`, one file for each mail.

    The envelope is kept in the headers X-Sink-From and X-Sink-To. Recipients that begin with
    ``reject`` are refused for good (550), those that begin with ``defer`` for now (451).
    """

    def __init__(self, directory: Path) -> None:
        self.maildir = directory.resolve()
        self.port = reserve_port()
        self._new = make_maildir(self.maildir) / "new"
        self._process = ChildProcess(
            "SMTP sink",
            [sys.executable, "-m", "fleet.sink", str(self.port), self.maildir],
            self.maildir / "sink.log",
            cwd=CHECKOUT,
        )

    def start(self) -> None:
        self._process.start(lambda: accepts_connections(self.port, b"220"))

    def stop(self) -> None:
        self._process.stop()

    def messages(self, to: str | None = None) -> list[EmailMessage]:
        """All mails in the order they came, or those whose envelope names `to`."""
        found = [_parse(path) for path in sorted(self._new.iterdir())]
        return [message for message in found if to is None or to in message["X-Sink-To"].split(",")]

    def wait_for(self, count: int, *, to: str | None = None, deadline: float = 15) -> list[EmailMessage]:
        """The mails, once there are at least `count`; `TimeoutError` when they do not come."""
        end = time.monotonic() + deadline
        while len(found := self.messages(to)) < count:
            if time.monotonic() > end:
                raise TimeoutError(f"{len(found)} mails after {deadline:g} s instead of {count}.")
            time.sleep(POLL_SECONDS)
        return found

    def clear(self) -> None:
        """Forget what came so far."""
        for path in self._new.iterdir():
            path.unlink()


class Keeper:
    """Puts each mail into the Maildir; aiosmtpd calls the methods by these names."""

    def __init__(self, maildir: Path) -> None:
        self._maildir = maildir
        self._numbers = itertools.count()

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if address.startswith("reject"):
            return "550 5.1.1 No such user here"
        if address.startswith("defer"):
            return "451 4.3.0 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        name = f"{time.time_ns():020}.{next(self._numbers):06}.sink"
        recipients = ",".join(envelope.rcpt_tos)
        sender = (envelope.mail_from or "").strip("<>")  # aiosmtpd writes the empty one as "<>"
        head = f"X-Sink-From: <{sender}>\r\nX-Sink-To: {recipients}\r\n"
        written = self._maildir / "tmp" / name
        written.write_bytes(head.encode() + (envelope.original_content or b""))
        written.rename(self._maildir / "new" / name)  # readers never see half a mail
        return "250 2.0.0 Kept"


def make_maildir(directory: Path) -> Path:
    for part in ("tmp", "new", "cur"):
        (directory / part).mkdir(parents=True, exist_ok=True)
    return directory


def _parse(path: Path) -> EmailMessage:
    return message_from_bytes(path.read_bytes(), policy=email.policy.default)


async def serve(port: int, maildir: Path) -> None:
    keeper = Keeper(make_maildir(maildir))
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(keeper, hostname="sink.test", enable_SMTPUTF8=True), "127.0.0.1", port
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
