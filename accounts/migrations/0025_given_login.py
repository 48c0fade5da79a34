"""Which logins were given on which server, beginning with those that mailboxes have now."""

from django.db import migrations, models

AT_ONCE = 2000


def note_those_of_mailboxes(apps, _schema_editor):
    given = apps.get_model("accounts", "GivenLogin")
    mailboxes = apps.get_model("accounts", "Mailbox").objects.order_by("pk")
    last = 0
    while some := list(mailboxes.filter(pk__gt=last).values_list("pk", "server", "login")[:AT_ONCE]):
        rows = [given(server_id=server, login=login.casefold()) for _pk, server, login in some]
        given.objects.bulk_create(rows, ignore_conflicts=True)
        last = some[-1][0]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0024_sealed_authenticator_apps"),
        ("mailservers", "0010_left_as_it_is"),
    ]

    operations = [
        migrations.CreateModel(
            name="GivenLogin",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("login", models.CharField(max_length=200)),
                (
                    "server",
                    models.ForeignKey(on_delete=models.CASCADE, related_name="+", to="mailservers.server"),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("server", "login"), name="a_login_is_given_once")
                ],
            },
        ),
        migrations.RunPython(note_those_of_mailboxes, migrations.RunPython.noop),
    ]
