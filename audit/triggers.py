"""The database's own refusal to change or delete events; only personal fields may be blanked."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

# What an erasure leaves alone, and the two groups of which it blanks one or both.
LASTING = (
    *("id", "number", "lane", "place", "at", "by_id", "on_behalf_of_id", "request_id", "verb", "outcome"),
    *("subject_kind", "subject_id", "domain", "previous_hash", "hash"),
)
GROUPS = {
    "who": (("by_name", "on_behalf_of_name", "source_address", "who_salt"), ()),
    "what": (("subject", "what_salt"), ("before", "after")),
}
NAMES = ("audit_event_stays", "audit_event_remains", "audit_event_is_new")


def _is_erasure(same: str) -> str:
    """The condition, in SQL; `same` compares two values that may be null."""
    parts = [f"NEW.{column} {same} OLD.{column}" for column in LASTING]
    for group, (texts, values) in GROUPS.items():
        digest = f"{group}_digest"
        kept = " AND ".join(
            f"CAST(NEW.{column} AS text) {same} CAST(OLD.{column} AS text)"
            for column in (*texts, *values, digest)
        )
        blank = " AND ".join(
            [f"NEW.{column} = ''" for column in texts] + [f"NEW.{column} IS NULL" for column in values]
        )
        parts.append(f"(({kept}) OR (OLD.{digest} = '' AND length(NEW.{digest}) = 64 AND {blank}))")
    parts.append("(NEW.who_digest <> OLD.who_digest OR NEW.what_digest <> OLD.what_digest)")
    return " AND ".join(parts)


INSTALL = {
    "sqlite": (
        "CREATE TRIGGER audit_event_stays BEFORE UPDATE ON audit_event"
        f" WHEN NOT coalesce({_is_erasure('IS')}, 0)"
        " BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END",
        "CREATE TRIGGER audit_event_remains BEFORE DELETE ON audit_event"
        " BEGIN SELECT RAISE(ABORT, 'audit events are never deleted'); END",
        # INSERT OR REPLACE deletes without asking the trigger above.
        "CREATE TRIGGER audit_event_is_new BEFORE INSERT ON audit_event"
        " WHEN EXISTS (SELECT 1 FROM audit_event WHERE id = NEW.id OR number = NEW.number"
        " OR (lane = NEW.lane AND place = NEW.place))"
        " BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF TG_OP = 'UPDATE' THEN IF {_is_erasure('IS NOT DISTINCT FROM')} THEN RETURN NEW; END IF; END IF;"
        " RAISE EXCEPTION 'audit events are never changed or deleted'; END $$",
        "CREATE TRIGGER audit_event_stays BEFORE UPDATE OR DELETE ON audit_event"
        " FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()",
        "CREATE TRIGGER audit_event_remains BEFORE TRUNCATE ON audit_event"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()",
    ),
}
REMOVE = {
    "sqlite": tuple(f"DROP TRIGGER IF EXISTS {name}" for name in NAMES),
    "postgresql": (
        "DROP TRIGGER IF EXISTS audit_event_stays ON audit_event",
        "DROP TRIGGER IF EXISTS audit_event_remains ON audit_event",
        "DROP FUNCTION IF EXISTS audit_event_refuse",
    ),
}
FIND = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_event'",
    # "O" and "A" are enabled.
    "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_event'::regclass"
    " AND NOT tgisinternal AND tgenabled IN ('O', 'A')",
}


def install(connection: BaseDatabaseWrapper) -> None:
    _execute(connection, INSTALL[connection.vendor])


def remove(connection: BaseDatabaseWrapper) -> None:
    _execute(connection, REMOVE[connection.vendor])


def are_missing(connection: BaseDatabaseWrapper) -> bool:
    """Whether somebody took one of them away or switched it off."""
    with connection.cursor() as cursor:
        cursor.execute(FIND[connection.vendor])
        found = {name for (name,) in cursor.fetchall()}
    wanted = NAMES if connection.vendor == "sqlite" else NAMES[:2]
    return not found.issuperset(wanted)


@contextmanager
def lifted(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """Without them inside one transaction, which nobody else sees: only archiving needs it.

    On PostgreSQL readers go on meanwhile: switching a trigger off takes no lock that they would wait for.
    """
    with transaction.atomic():
        if connection.vendor == "postgresql":
            _execute(connection, (f"ALTER TABLE audit_event DISABLE TRIGGER {name}" for name in NAMES[:2]))
            yield
            # Else what the transaction still has to look after would be in the way.
            _execute(connection, ("SET CONSTRAINTS ALL IMMEDIATE",))
            _execute(connection, (f"ALTER TABLE audit_event ENABLE TRIGGER {name}" for name in NAMES[:2]))
        else:
            remove(connection)
            yield
            install(connection)


def _execute(connection: BaseDatabaseWrapper, statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
