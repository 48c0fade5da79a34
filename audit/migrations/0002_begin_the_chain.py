from django.db import migrations

from audit import triggers


def begin(apps, editor):
    apps.get_model("audit", "ChainHead").objects.create(pk=1)
    triggers.install(editor.connection)


def undo(apps, editor):
    triggers.remove(editor.connection)
    apps.get_model("audit", "ChainHead").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]
    operations = [migrations.RunPython(begin, undo)]
