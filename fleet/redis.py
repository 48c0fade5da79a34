"""A private Redis that forgets everything when it stops."""

import secrets
from pathlib import Path

import redis

from fleet.ports import reserve_port
from fleet.processes import ChildProcess, find_program


class RedisServer:
    """Celery's broker for tests and the demo; `url` holds a random password."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.port = reserve_port()
        self.password = secrets.token_urlsafe(24)
        self.url = f"redis://:{self.password}@127.0.0.1:{self.port}/0"
        config = directory / "redis.conf"
        config.touch(mode=0o600)  # not on the command line: everybody can read that
        config.write_text(
            f"bind 127.0.0.1\nport {self.port}\nrequirepass {self.password}\n"
            f'dir "{directory.resolve()}"\nsave ""\nappendonly no\n'
        )
        self._process = ChildProcess(
            "Redis", [find_program("redis-server"), config.resolve()], directory / "redis.log"
        )

    def start(self) -> None:
        self._process.start(self._answers)

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        self._process.kill()

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1) as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
