"""Names that lead to more than one: told by `manage.py check --database default`, and by each migrate."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Tags, Warning, register
from django.db.utils import DatabaseError

from accounts import names

SHOWN = 50


@register(Tags.database)
def one_name_leads_to_one(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001
    databases: Sequence[str] | None = None,
    **_: Any,
) -> list[CheckMessage]:
    if not databases or "default" not in databases:
        return []
    try:
        found = names.collisions()
    except DatabaseError:  # its tables are not made yet
        return []
    if not found:
        return []
    told = "; ".join(f"{name} ({what})" for name, what in found[:SHOWN])
    more = f" And {len(found) - SHOWN} more." if len(found) > SHOWN else ""
    return [
        Warning(
            f"Names that more than one may sign in with: {told}.{more}",
            hint="A user name or an address goes before a login, and tries count for all of them. Tell their"
            " users to sign in with the address; manage.py rename_person gives somebody another user name.",
            id="accounts.W001",
        )
    ]
