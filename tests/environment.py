"""The environment the tests run in, unless set already; loaded before Django is (see pyproject.toml)."""

import os

import pytest

DEFAULTS = {
    "DJANGO_SETTINGS_MODULE": "portal.settings",
    "PORTAL_MODE": "development",
    "PORTAL_SECRET_KEY": "only for tests " * 5,
    "PORTAL_CREDENTIAL_KEYS": "dGVzdHMgb25seSB0ZXN0cyBvbmx5IHRlc3RzIG9ubHk=",
    "PORTAL_PUBLIC_URL": "http://testserver",
    "PORTAL_ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "PORTAL_SECURE_COOKIES": "off",
    # A port nobody listens on: a test that wants a broker starts one.
    "PORTAL_BROKER_URL": "redis://127.0.0.1:1/0",
    "PORTAL_LOG_LEVEL": "WARNING",
}

for name, value in DEFAULTS.items():
    os.environ.setdefault(name, value)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="the long forms of the tests that have one")
