import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("mailservers", "0003_sealed_password"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Adoption",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "only_domain",
                    models.CharField(
                        blank=True, help_text="Empty: all of the server's domains.", max_length=253
                    ),
                ),
                ("asked_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("reading", "being read"),
                            ("planned", "ready to begin"),
                            ("running", "being taken over"),
                            ("done", "done"),
                            ("stopped", "stopped"),
                            ("failed", "failed"),
                        ],
                        default="reading",
                        max_length=10,
                    ),
                ),
                ("plan", models.JSONField(default=list, help_text="What was found, by domain.")),
                ("domains_left", models.JSONField(default=list)),
                ("after", models.CharField(blank=True, max_length=320)),
                ("mailboxes_found", models.PositiveIntegerField(default=0)),
                ("mailboxes_seen", models.PositiveIntegerField(default=0)),
                ("mailboxes_adopted", models.PositiveIntegerField(default=0)),
                ("aliases_adopted", models.PositiveIntegerField(default=0)),
                (
                    "passed_over",
                    models.JSONField(default=list, help_text="Addresses that were left out, each with why."),
                ),
                ("reason", models.TextField(blank=True)),
                ("reason_values", models.JSONField(blank=True, default=dict)),
                ("working_until", models.DateTimeField(help_text="A worker has it until then.", null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "server",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="adoptions",
                        to="mailservers.server",
                    ),
                ),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
    ]
