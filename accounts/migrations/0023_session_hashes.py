"""The table of sessions holds hashes of their keys: everybody signs in once more.

Keys that stood there in clear may be in somebody's copy of the database, so none of them opens anything now.
"""

from django.db import migrations, models


def end_all(apps, _schema_editor):
    apps.get_model("accounts", "PersonSession").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0022_password_asked"),
    ]

    operations = [
        migrations.RunPython(end_all, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="personsession",
            name="session_key",
            field=models.CharField(
                help_text="SHA-256 of what the browser keeps.",
                max_length=64,
                primary_key=True,
                serialize=False,
            ),
        ),
        # The way back: hashes don't fit, and are no keys.
        migrations.RunPython(migrations.RunPython.noop, end_all),
    ]
