"""Keys of authenticator apps are sealed; those that were begun and never confirmed are forgotten."""

from binascii import unhexlify

from django.db import migrations

from accounts.sealed_keys import open_key, seal_key


def seal(apps, _schema_editor):
    rows = apps.get_model("otp_totp", "TOTPDevice").objects
    rows.filter(confirmed=False).delete()
    for number, key in list(rows.values_list("pk", "key")):
        rows.filter(pk=number).update(key=seal_key(unhexlify(key)))


def unseal(apps, _schema_editor):
    rows = apps.get_model("otp_totp", "TOTPDevice").objects
    for number, key in list(rows.values_list("pk", "key")):
        rows.filter(pk=number).update(key=open_key(key).hex())


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0023_session_hashes"),
        ("otp_totp", "0003_add_timestamps"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuthenticatorApp",
            fields=[],
            options={"proxy": True, "indexes": [], "constraints": []},
            bases=("otp_totp.totpdevice",),
        ),
        migrations.RunPython(seal, unseal),
    ]
