"""The database's own refusal to change or delete events."""

from collections.abc import Iterable

from django.db.backends.base.base import BaseDatabaseWrapper

INSTALL = {
    "sqlite": (
        "CREATE TRIGGER audit_event_stays BEFORE UPDATE ON audit_event"
        " BEGIN SELECT RAISE(ABORT, 'audit events are never changed'); END",
        "CREATE TRIGGER audit_event_remains BEFORE DELETE ON audit_event"
        " BEGIN SELECT RAISE(ABORT, 'audit events are never deleted'); END",
    ),
    "postgresql": (
        "CREATE FUNCTION audit_event_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'audit events are never changed or deleted'; END $$",
        "CREATE TRIGGER audit_event_stays BEFORE UPDATE OR DELETE ON audit_event"
        " FOR EACH ROW EXECUTE FUNCTION audit_event_refuse()",
        "CREATE TRIGGER audit_event_remains BEFORE TRUNCATE ON audit_event"
        " FOR EACH STATEMENT EXECUTE FUNCTION audit_event_refuse()",
    ),
}
REMOVE = {
    "sqlite": ("DROP TRIGGER audit_event_stays", "DROP TRIGGER audit_event_remains"),
    "postgresql": (
        "DROP TRIGGER audit_event_stays ON audit_event",
        "DROP TRIGGER audit_event_remains ON audit_event",
        "DROP FUNCTION audit_event_refuse",
    ),
}


def install(connection: BaseDatabaseWrapper) -> None:
    _execute(connection, INSTALL[connection.vendor])


def remove(connection: BaseDatabaseWrapper) -> None:
    _execute(connection, REMOVE[connection.vendor])


def _execute(connection: BaseDatabaseWrapper, statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
