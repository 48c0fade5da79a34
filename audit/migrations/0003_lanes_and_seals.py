"""Lanes, salts and seals. Events recorded before are linked anew, in the one lane they had."""

from datetime import UTC
from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.migrations.exceptions import IrreversibleError

from audit import triggers
from audit.hashing import event_hash, group_digest, new_salt

LANES = 32
OLD = import_module("audit.migrations.0002_begin_the_chain")


def lift_the_guard(_apps, editor):
    OLD.execute(editor, OLD.REMOVE[editor.connection.vendor])


def put_the_old_guard_back(_apps, editor):
    OLD.execute(editor, OLD.INSTALL[editor.connection.vendor])


def begin_lanes(apps, editor):
    event_model, heads = apps.get_model("audit", "Event"), apps.get_model("audit", "ChainHead").objects
    place, previous, number = 0, "", 0
    for event in event_model.objects.order_by("number").iterator(chunk_size=2000):
        place += 1
        event.lane, event.place, event.previous_hash = 1, place, previous
        event.who_salt, event.what_salt = new_salt(), new_salt()
        event.hash = previous = event_hash(link(event))
        number = event.number
        event.save()
    heads.filter(pk=1).update(lane=1, number=place, hash=previous)
    heads.bulk_create([heads.model(pk=lane, lane=lane) for lane in range(2, LANES + 1)])
    if editor.connection.vendor == "postgresql":
        with editor.connection.cursor() as cursor:
            cursor.execute("CREATE SEQUENCE audit_event_number OWNED BY audit_event.number")
            cursor.execute("SELECT setval('audit_event_number', %s, false)", [number + 1])


def link(event):
    who = {
        "by_name": event.by_name,
        "on_behalf_of_name": event.on_behalf_of_name,
        "source_address": event.source_address,
    }
    what = {"subject": event.subject, "before": event.before, "after": event.after}
    return {
        "lane": event.lane,
        "place": event.place,
        "number": event.number,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "by": event.by_id,
        "on_behalf_of": None,
        "request_id": event.request_id,
        "verb": event.verb,
        "outcome": event.outcome,
        "subject_kind": event.subject_kind,
        "subject_id": event.subject_id,
        "domain": event.domain,
        "who": group_digest(event.who_salt, who),
        "what": group_digest(event.what_salt, what),
        "previous_hash": event.previous_hash,
    }


def end_lanes(apps, editor):
    apps.get_model("audit", "ChainHead").objects.exclude(lane=1).delete()
    if editor.connection.vendor == "postgresql":
        with editor.connection.cursor() as cursor:
            cursor.execute("DROP SEQUENCE audit_event_number")


def guard_events(_apps, editor):
    triggers.install(editor.connection)


def lift_the_new_guard(apps, editor):
    """Only while nothing was recorded: nobody takes the guard off a chain by undoing a migration."""
    if apps.get_model("audit", "Event").objects.exists():
        raise IrreversibleError("Events were recorded: the audit chain can't be undone.")
    triggers.remove(editor.connection)


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0002_begin_the_chain"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RunPython(lift_the_guard, put_the_old_guard_back),
        migrations.CreateModel(
            name="Seal",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("kind", models.CharField(help_text="checkpoint or archive", max_length=12)),
                ("made_at", models.DateTimeField(db_index=True)),
                ("statement", models.JSONField()),
                ("key", models.CharField(help_text="Which public key it was signed for.", max_length=64)),
                ("signature", models.CharField(max_length=128)),
            ],
            options={
                "ordering": ("-pk",),
            },
        ),
        migrations.AlterModelOptions(
            name="chainhead",
            options={"ordering": ("lane",)},
        ),
        migrations.AddField(
            model_name="chainhead",
            name="archived_hash",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="chainhead",
            name="archived_place",
            field=models.BigIntegerField(default=0),
        ),
        migrations.AddField(
            model_name="chainhead",
            name="lane",
            field=models.SmallIntegerField(default=1, unique=True),
        ),
        migrations.AddField(
            model_name="event",
            name="lane",
            field=models.SmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="event",
            name="on_behalf_of",
            field=models.ForeignKey(
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="on_behalf_of_name",
            field=models.CharField(blank=True, max_length=320),
        ),
        migrations.AddField(
            model_name="event",
            name="outcome",
            field=models.CharField(
                choices=[("done", "done"), ("delayed", "to be tried again"), ("failed", "failed")],
                default="done",
                max_length=10,
            ),
        ),
        migrations.AddField(
            model_name="event",
            name="place",
            field=models.BigIntegerField(default=0, help_text="In its lane: counts up by one, without gaps."),
        ),
        migrations.AddField(
            model_name="event",
            name="what_digest",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="event",
            name="what_salt",
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AddField(
            model_name="event",
            name="who_digest",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddField(
            model_name="event",
            name="who_salt",
            field=models.CharField(blank=True, max_length=32),
        ),
        migrations.AlterField(
            model_name="chainhead",
            name="number",
            field=models.BigIntegerField(default=0, help_text="The place of its last event."),
        ),
        migrations.AlterField(
            model_name="event",
            name="number",
            field=models.BigIntegerField(help_text="Counts up. A number may be left out.", unique=True),
        ),
        migrations.AlterField(
            model_name="event",
            name="previous_hash",
            field=models.CharField(blank=True, max_length=64),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["subject", "-number"], name="audit_event_named"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["by_name", "-number"], name="audit_event_person"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["source_address", "-number"], name="audit_event_source"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["verb", "-number"], name="audit_event_verb"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(
                condition=models.Q(("outcome", "done"), _negated=True),
                fields=["outcome", "-number"],
                name="audit_event_trouble",
            ),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["request_id"], name="audit_event_request"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["at", "number"], name="audit_event_at"),
        ),
        migrations.RunPython(begin_lanes, end_lanes),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.UniqueConstraint(fields=("lane", "place"), name="one_event_for_each_place"),
        ),
        migrations.AlterField(
            model_name="event",
            name="place",
            field=models.BigIntegerField(help_text="In its lane: counts up by one, without gaps."),
        ),
        migrations.RunPython(guard_events, lift_the_new_guard),
    ]
