"""Passwords on their way to servers that take them in clear text only."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_relations"), ("mailservers", "0002_usage")]

    operations = [
        migrations.CreateModel(
            name="SealedPassword",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "sealed",
                    models.BinaryField(help_text="Empty: it waited too long and was erased."),
                ),
                ("expires_at", models.DateTimeField()),
                (
                    "mailbox",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sealed_password",
                        to="accounts.mailbox",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["expires_at"], name="sealed_password_expires")],
            },
        ),
    ]
