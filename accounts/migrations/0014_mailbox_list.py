"""Indexes for long lists of mailboxes, and on PostgreSQL one for searching by a part of an address."""

from django.db import NotSupportedError, OperationalError, ProgrammingError, migrations, models, transaction
from django.db.models import Q

# The very expression of models.SearchedText, as an "icontains" asks for it.
CREATE = """
CREATE INDEX mailbox_searched ON accounts_mailbox
USING gin (UPPER(("address" || chr(10) || "login" || chr(10) || "name")::text) gin_trgm_ops)
"""


def add_search_index(_apps, schema_editor):
    """Where the database has no pg_trgm, or does not let the portal have it, searching works all the same:
    it then looks at each mailbox of a domain."""
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(schema_editor.connection.alias), schema_editor.connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
            cursor.execute(CREATE)
            # Before it knows what is in the index it does not use it.
            cursor.execute("ANALYZE accounts_mailbox")
    except (ProgrammingError, NotSupportedError, OperationalError):
        print("\n  PostgreSQL's pg_trgm is missing or not allowed: searching long lists will be slow.")


def drop_search_index(_apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX IF EXISTS mailbox_searched")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0013_password_rules"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="mailbox",
            index=models.Index(
                fields=["domain", "id"], name="mailbox_alive", condition=Q(("deleted_at", None))
            ),
        ),
        migrations.AddIndex(
            model_name="mailbox",
            index=models.Index(
                fields=["domain"], name="mailbox_deleted", condition=Q(("deleted_at__isnull", False))
            ),
        ),
        migrations.RunPython(add_search_index, drop_search_index),
    ]
