"""What searches look at: folded, kept in a column; on PostgreSQL its index takes the older one's place."""

from django.db import NotSupportedError, OperationalError, ProgrammingError, migrations, models, transaction

from accounts.folding import searched_text

FIELDS = {"mailbox": ("address", "login", "name"), "person": ("username", "name", "email")}
AT_ONCE = 500


def fill(apps, _schema_editor):
    for model, fields in FIELDS.items():
        rows = apps.get_model("accounts", model).objects
        some = []
        for row in rows.only(*fields).order_by("pk").iterator(AT_ONCE):
            row.searched_fields = fields
            row.searched = searched_text(row)
            some.append(row)
            if len(some) == AT_ONCE:
                rows.bulk_update(some, ["searched"])
                some = []
        if some:
            rows.bulk_update(some, ["searched"])


def index_words(_apps, schema_editor):
    _index(schema_editor, '("searched" gin_trgm_ops)')


def index_parts(_apps, schema_editor):
    told = 'UPPER(("address" || chr(10) || "login" || chr(10) || "name")::text)'
    _index(schema_editor, f"({told} gin_trgm_ops)")


def _index(schema_editor, what):
    """As in 0014: where pg_trgm is missing or not allowed, searching works all the same."""
    if schema_editor.connection.vendor != "postgresql":
        return
    try:
        with transaction.atomic(schema_editor.connection.alias), schema_editor.connection.cursor() as cursor:
            cursor.execute("DROP INDEX IF EXISTS mailbox_searched")
            cursor.execute(f"CREATE INDEX mailbox_searched ON accounts_mailbox USING gin {what}")
            cursor.execute("ANALYZE accounts_mailbox")
    except (ProgrammingError, NotSupportedError, OperationalError):
        print("\n  PostgreSQL's pg_trgm is missing or not allowed: searching long lists will be slow.")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0027_lost_targets"),
    ]

    operations = [
        migrations.AddField(
            model_name="mailbox",
            name="searched",
            field=models.TextField(blank=True, default="", editable=False),
        ),
        migrations.AddField(
            model_name="person",
            name="searched",
            field=models.TextField(blank=True, default="", editable=False),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.RunPython(index_words, index_parts),
    ]
