"""What somebody at the terminal needs: one table of addresses and sign-ins."""

from demo.sample import PEOPLE, SIMULATED
from demo.world import LOOPBACK, World, from_checkout

HEAD = ("", "sign-in or address", "password", "domains or server")
KEY = "app's key"
SERVICES = ("imaps", "pop3s", "submissions", "sieve", "lmtp")  # demo.json has them all


def table_of(world: World) -> str:
    domains = {person.login: ", ".join(person.domains) for person in PEOPLE}
    rows = [
        HEAD,
        ("web pages", world.url, "", ""),
        ("with passkeys", world.url.replace(LOOPBACK, "localhost"), "", ""),
        *(
            (
                person.role,
                person.login,
                person.password,
                f"{domains[person.login] or '–'}  {KEY} {person.totp_secret}",
            )
            for person in world.people
        ),
        *(
            ("mailbox user", f"{box.address} or {box.login}", box.password, told(box.server))
            for box in world.mailboxes
        ),
        *(("mail server", ports_of(world, name), "", name) for name in world.servers),
        ("mail server", f"webmin {world.moses.port}", "", f"{SIMULATED}: a simulation, no mail is behind it"),
        ("SMTP sink", f"{LOOPBACK}:{world.sink.port}", "", f"{from_checkout(world.sink.maildir)}/new"),
    ]
    return aligned(rows)


def told(server: str) -> str:
    return f"{server} (simulation)" if server == SIMULATED else server


def ports_of(world: World, name: str) -> str:
    ports = world.servers[name].ports
    return "  ".join(f"{service} {ports[service]}" for service in SERVICES)


def aligned(rows: list[tuple[str, str, str, str]]) -> str:
    # The last column is as long as it is: nothing stands behind it.
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = []
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
