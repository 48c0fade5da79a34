"""Checks of servers, quick counts of settled changes, and how long changes take."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mailservers", "0004_drift"),
    ]

    operations = [
        migrations.CreateModel(
            name="PushTime",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("aspect", models.CharField(max_length=30)),
                ("step", models.PositiveSmallIntegerField(help_text="Which of push_times.BOUNDS.")),
                ("changes", models.PositiveBigIntegerField(default=0)),
                ("seconds", models.FloatField(default=0.0, help_text="Of all these together.")),
            ],
        ),
        migrations.RemoveIndex(
            model_name="change",
            name="change_settled",
        ),
        migrations.AddField(
            model_name="server",
            name="check_asked_at",
            field=models.DateTimeField(blank=True, help_text="By an operator.", null=True),
        ),
        migrations.AddField(
            model_name="server",
            name="check_error",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="server",
            name="check_error_values",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="server",
            name="checked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="server",
            name="reachable_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="server",
            name="version",
            field=models.CharField(blank=True, help_text="As it tells itself.", max_length=200),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(fields=["server", "settled_at", "state"], name="change_settled"),
        ),
        migrations.AddIndex(
            model_name="change",
            index=models.Index(
                condition=models.Q(("state", "failed")), fields=["server"], name="change_failed"
            ),
        ),
        migrations.AddField(
            model_name="pushtime",
            name="server",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="push_times",
                to="mailservers.server",
            ),
        ),
        migrations.AddConstraint(
            model_name="pushtime",
            constraint=models.UniqueConstraint(
                fields=("server", "aspect", "step"), name="one_count_for_each_step"
            ),
        ),
    ]
