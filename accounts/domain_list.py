"""The list of domains: what is counted in each, and where somebody waits for something."""

from collections import Counter, defaultdict
from typing import NamedTuple

from django.db import connection

from accounts.models import Domain, Person


class Row(NamedTuple):
    """What the list says of a domain. No model: of a hundred with their servers that would be most of it."""

    pk: int
    name: str
    server: str
    mailboxes: int = 0
    guessed: int = 0
    """Mailboxes whose password is easy to guess."""
    auto_replies: int = 0
    """Mailboxes whose auto-reply is on."""
    wanting_room: int = 0
    """Mailboxes whose user asked for more room, where the person can give any."""
    wanting_approval: int = 0
    """Settings that wait until a webmaster approves them."""
    alarms: int = 0
    """That nobody has seen to, of its mailboxes and aliases."""


# By hand, since Django takes ten times as long to put it together as a database to answer it. Each is counted
# from its own side: one join of all would look at much more.
COUNTS = {
    "mailboxes": "accounts_mailbox WHERE deleted_at IS NULL",
    "guessed": """accounts_mailbox WHERE deleted_at IS NULL AND guessed_at IS NOT NULL
        AND (password_changed_at IS NULL OR password_changed_at <= guessed_at)""",
    "auto_replies": """accounts_mailbox JOIN vacation_autoreply AS reply
        ON reply.mailbox_id = accounts_mailbox.id WHERE deleted_at IS NULL AND reply.enabled""",
    "wanting_approval": """accounts_mailbox JOIN vacation_settingrequest AS request
        ON request.mailbox_id = accounts_mailbox.id WHERE deleted_at IS NULL AND state = 'waiting'""",
    "wanting_room": """accounts_mailbox JOIN quotas_quotarequest AS request
        ON request.mailbox_id = accounts_mailbox.id WHERE deleted_at IS NULL AND state = 'waiting'""",
    "alarms": """accounts_mailbox JOIN accounts_redirectalarm AS alarm
        ON alarm.mailbox_id = accounts_mailbox.id WHERE deleted_at IS NULL AND acknowledged_at IS NULL""",
    "alarms of aliases": """accounts_alias JOIN accounts_redirectalarm AS alarm
        ON alarm.alias_id = accounts_alias.id WHERE acknowledged_at IS NULL""",
}


def rows_for(person: Person) -> list[Row]:
    """Of all domains the person may look at, in two queries."""
    named = list(Domain.objects.open_to(person).order_by("name").values_list("pk", "name", "server__name"))
    counts = _counts_in(None if person.sees_everything else [pk for pk, _name, _server in named])
    rows = []
    for pk, name, server in named:
        counted = counts[pk]
        counted["alarms"] += counted.pop("alarms of aliases", 0)
        if not person.gives_room:
            counted.pop("wanting_room", None)
        rows.append(Row(pk, name, server, **counted))
    return rows


def _counts_in(domains: list[int] | None) -> dict[int, Counter[str]]:
    """By the domains' ids; None: in all domains."""
    found: dict[int, Counter[str]] = defaultdict(Counter)
    if domains == []:
        return found
    places = ", ".join(["%s"] * len(domains or []))
    theirs = f" AND domain_id IN ({places})" if domains else ""
    parts = [
        # Our own words, nothing that anybody typed.
        f"SELECT '{what}', domain_id, count(*) FROM {rows}{theirs} GROUP BY domain_id"  # noqa: S608
        for what, rows in COUNTS.items()
    ]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), (domains or []) * len(parts))
        for what, domain, count in cursor.fetchall():
            found[domain][what] = count
    return found
