import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_redirect_alarm"),
        ("mailservers", "0003_sealed_password"),
    ]

    operations = [
        migrations.CreateModel(
            name="DriftCheck",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("aspect", models.CharField(max_length=30)),
                ("requested_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("reached", models.BigIntegerField(default=0)),
                ("held_until", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                ("compared", models.PositiveIntegerField(default=0)),
                ("drifted", models.PositiveIntegerField(default=0)),
                ("reason", models.TextField(blank=True, help_text="Why it stopped, if it did.")),
                ("reason_values", models.JSONField(blank=True, default=dict)),
            ],
        ),
        migrations.AddField(
            model_name="observation",
            name="differences",
            field=models.JSONField(
                default=list, help_text="What is different there: sentences, each with what fills its places."
            ),
        ),
        migrations.AddField(
            model_name="observation",
            name="held",
            field=models.JSONField(help_text="What to keep, should somebody want to keep it.", null=True),
        ),
        migrations.AddField(
            model_name="observation",
            name="redirects",
            field=models.JSONField(help_text="Where mail was sent on to; empty: never looked.", null=True),
        ),
        migrations.AddField(
            model_name="observation",
            name="why_not",
            field=models.TextField(blank=True, help_text="Why it can't be kept."),
        ),
        migrations.AlterField(
            model_name="observation",
            name="drifted_since",
            field=models.DateTimeField(blank=True, help_text="When a check first saw it.", null=True),
        ),
        migrations.AddIndex(
            model_name="observation",
            index=models.Index(
                condition=models.Q(("drifted_since__isnull", False)),
                fields=["mailbox"],
                name="observation_drifted",
            ),
        ),
        migrations.AddField(
            model_name="driftcheck",
            name="domain",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="accounts.domain"
            ),
        ),
        migrations.AddField(
            model_name="driftcheck",
            name="mailbox",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="drift_checks",
                to="accounts.mailbox",
            ),
        ),
        migrations.AddField(
            model_name="driftcheck",
            name="server",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="drift_checks",
                to="mailservers.server",
            ),
        ),
        migrations.AddIndex(
            model_name="driftcheck",
            index=models.Index(
                condition=models.Q(("finished_at", None)),
                fields=["server", "aspect"],
                name="drift_check_open",
            ),
        ),
    ]
