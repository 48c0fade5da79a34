from django.db import migrations

# As they were then; 0003 puts others in their place.
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


def execute(editor, statements):
    with editor.connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def begin(apps, editor):
    apps.get_model("audit", "ChainHead").objects.create(pk=1)
    execute(editor, INSTALL[editor.connection.vendor])


def undo(apps, editor):
    execute(editor, REMOVE[editor.connection.vendor])
    apps.get_model("audit", "ChainHead").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(begin, undo)]
