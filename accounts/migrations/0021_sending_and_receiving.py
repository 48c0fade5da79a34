"""Sending and receiving are switched apart from signing in."""

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# These take mail for a mailbox that is switched off.
TAKE_MAIL = ("virtualmin", "webmin")


def refuse_as_before(apps: Apps, _editor: BaseDatabaseSchemaEditor) -> None:
    """Elsewhere mail for one that was switched off was refused, and goes on being."""
    off = apps.get_model("accounts", "Mailbox").objects.filter(enabled=False)
    off.exclude(server__kind__in=TAKE_MAIL).update(receives=False)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0020_app_password_rule"),
    ]

    operations = [
        migrations.AlterField(
            model_name="mailbox",
            name="enabled",
            field=models.BooleanField(default=True, help_text="People may sign in, and read."),
        ),
        migrations.AddField(
            model_name="mailbox",
            name="sends",
            field=models.BooleanField(default=True, help_text="Who may sign in may send as well."),
        ),
        migrations.AddField(
            model_name="mailbox",
            name="receives",
            field=models.BooleanField(default=True, help_text="Mail is taken, whoever may sign in."),
        ),
        migrations.RunPython(refuse_as_before, migrations.RunPython.noop),
    ]
