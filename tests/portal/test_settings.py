"""The portal starts with good settings only; each test starts a process of its own."""

import os
import subprocess
import sys

import pytest

from portal.celery import app
from tests.environment import DEFAULTS

GOOD = {
    "DJANGO_SETTINGS_MODULE": "portal.settings",
    "PORTAL_SECRET_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRST",
    "PORTAL_CREDENTIAL_KEYS": DEFAULTS["PORTAL_CREDENTIAL_KEYS"],
    "PORTAL_PUBLIC_URL": "https://portal.example.org",
    "PORTAL_ALLOWED_HOSTS": "portal.example.org",
    "PORTAL_BROKER_URL": "redis://localhost/0",
}


def start(**changed: str | None) -> subprocess.CompletedProcess[str]:
    portal = {name: value for name, value in os.environ.items() if not name.startswith("PORTAL_")}
    portal |= {name: value for name, value in (GOOD | changed).items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", "import portal.settings"],
        env=portal,
        capture_output=True,
        text=True,
        check=False,
    )


def test_good_settings_start():
    assert start().returncode == 0


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"PORTAL_SECRET_KEY": None}, "PORTAL_SECRET_KEY is not set. Make one"),
        ({"PORTAL_SECRET_KEY": "short"}, "PORTAL_SECRET_KEY is weak"),
        ({"PORTAL_DEBUG": "on"}, "PORTAL_DEBUG shows secrets"),
        ({"PORTAL_DEBUG": "perhaps"}, "PORTAL_DEBUG must be on or off"),
        ({"PORTAL_SECURE_COOKIES": "off"}, "PORTAL_SECURE_COOKIES=off sends sign-ins over plain HTTP"),
        ({"PORTAL_ALLOWED_HOSTS": None}, "PORTAL_ALLOWED_HOSTS must name"),
        ({"PORTAL_ALLOWED_HOSTS": "*"}, "PORTAL_ALLOWED_HOSTS must name"),
        ({"PORTAL_PUBLIC_URL": "http://portal.example.org"}, "PORTAL_PUBLIC_URL must begin with https"),
        ({"PORTAL_CREDENTIAL_KEYS": "too short"}, "PORTAL_CREDENTIAL_KEYS: key 1 is not 32 bytes"),
        ({"PORTAL_BROKER_URL": "amqp://localhost"}, "PORTAL_BROKER_URL must look like redis://HOST"),
        ({"PORTAL_DATABASE_URL": "mysql://u:hunter2@h/d"}, "PORTAL_DATABASE_URL must look like sqlite:"),
        ({"PORTAL_TIME_ZONE": "Europe/Nowhere"}, "'Europe/Nowhere' is no time zone"),
        ({"PORTAL_TRUSTED_PROXIES": "localhost"}, "'localhost' is no address or network"),
        ({"PORTAL_PROFILE_CERTIFICATE": "/no/such.pem"}, "PORTAL_PROFILE_KEY must name readable PEM files"),
        ({"PORTAL_MODE": "fast"}, "must be one of: production, development"),
    ],
)
def test_a_wrong_value_stops_the_start_with_a_sentence(changed, sentence):
    started = start(**changed)
    assert started.returncode != 0
    assert sentence in started.stderr
    assert "hunter2" not in started.stderr


def test_all_mistakes_are_told_at_once():
    told = start(PORTAL_SECRET_KEY=None, PORTAL_BROKER_URL=None).stderr
    assert "PORTAL_SECRET_KEY" in told
    assert "PORTAL_BROKER_URL" in told


def test_whoever_reaches_the_broker_commands_no_worker():
    conf = app.conf
    assert (conf.worker_enable_remote_control, conf.accept_content, conf.task_serializer) == (
        False,
        ["json"],
        "json",
    )
