"""What operators may write about a Dovecot server, and how their mistakes are told."""

from pathlib import Path
from typing import Any

import pytest

from fleet.certificates import CertificateAuthority
from mailservers.drivers import ConfigurationError, open_driver
from mailservers.drivers.dovecot import DovecotDriver
from mailservers.drivers.dovecot_settings import read_settings
from mailservers.drivers.memory import MemoryDriver

ENDPOINTS = {
    "sql_url": "postgresql://dovecot@db.test:5433/mail?sslmode=verify-full",
    "sieve_host": "mail.test",
    "sieve_port": 4190,
    "doveadm_url": "https://mail.test:8080",
}
SECRETS = {
    "master_user": "portal",
    "master_password": "secret-one",
    "doveadm_key": "secret-two",
    "sql_password": "secret-three",
}


def test_all_that_is_needed() -> None:
    settings = read_settings(ENDPOINTS, SECRETS)
    assert settings.sql_url.render_as_string(hide_password=False) == (
        "postgresql+psycopg://dovecot:secret-three@db.test:5433/mail?sslmode=verify-full"
    )
    assert settings.tls_name == "mail.test"
    assert settings.doveadm_url == "https://mail.test:8080/doveadm/v1"
    assert (settings.connect_seconds, settings.read_seconds, settings.total_seconds) == (5, 10, 30)
    for text in (repr(settings), repr(open_driver("dovecot", ENDPOINTS, SECRETS))):
        assert "secret" not in text


def test_what_may_be_left_out() -> None:
    settings = read_settings(
        {"sql_url": "sqlite:////var/mail.sqlite", "sieve_host": "10.0.0.1", "sieve_port": 1},
        {"master_user": "portal", "master_password": "x"},
    )
    assert settings.doveadm_url == settings.doveadm_key == ""


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sql_url": None}, "sql_url is missing. Give the account database as"),
        ({"sql_url": "what"}, "sql_url is not understood. Write it as"),
        ({"sql_url": "postgresql://u:secret-four@h/d"}, "Put it into the credentials as sql_password"),
        ({"sql_url": "postgresql://u:secret-four@h:port/d"}, "sql_url is not understood"),
        ({"sql_url": "mysql://u@h/d"}, "must begin with postgresql:// or sqlite:///"),
        ({"sql_url": "sqlite://"}, "full path"),
        ({"sql_url": "sqlite:///relative.sqlite"}, "full path"),
        ({"sql_url": "sqlite:///:memory:"}, "full path"),
        ({"sql_url": 5}, "sql_url must be a text"),
        ({"sieve_host": ""}, "sieve_host is missing. Give the name"),
        ({"sieve_host": "a\0b"}, "NUL"),
        ({"sieve_port": None}, "sieve_port must be a whole number from 1 to 65535"),
        ({"sieve_port": "4190"}, "sieve_port must be a whole number"),
        ({"sieve_port": True}, "sieve_port must be a whole number"),
        ({"sieve_port": 65536}, "sieve_port must be a whole number"),
        ({"doveadm_url": "http://mail.test:8080/doveadm/v1"}, "must look like https://"),
        ({"doveadm_url": "https://"}, "must look like https://"),
        ({"doveadm_url": "https://mail.test:port"}, "must look like https://"),
        ({"doveadm_url": "https://u:secret-four@mail.test"}, "must look like https://"),
        ({"connect_seconds": 0}, "connect_seconds must be a number of seconds above 0"),
        ({"read_seconds": "10"}, "read_seconds must be a number"),
        ({"total_seconds": float("nan")}, "total_seconds must be a number"),
        ({"ca_file": "/nowhere/ca.crt"}, "there is no file /nowhere/ca.crt"),
        ({"ca_pem": "no certificate"}, "ca_pem cannot be used. It must be"),
        ({"ca_pem": "\u00e4"}, "ca_pem cannot be used"),
        ({"ca_file": "/x", "ca_pem": "y"}, "either ca_file or ca_pem"),
        ({"sievehost": "x"}, "hold “sievehost”, which a Dovecot server has no use for. Use only: alias_"),
        ({"master_user": ""}, "master_user is missing"),
        ({"master_password": None}, "master_password is missing"),
        ({"master_password": 12345}, "master_password must be a text"),
        ({"hash_schemes": "ARGON2ID"}, "hash_schemes must be a list"),
        ({"hash_schemes": ["MD5"]}, "hash_schemes must be a list, the best first, of: ARGON2ID"),
        ({"hash_schemes": [{}]}, "hash_schemes must be a list"),
        ({"app_passwords": "yes"}, "app_passwords must be true or false"),
        ({"doveadm_key": ""}, "doveadm_key is missing. Give the value of doveadm_api_key, or leave"),
        ({"api_key": "secret-four"}, "hold “api_key”"),
    ],
)
def test_mistakes_are_told_with_their_remedy(change: dict[str, Any], sentence: str) -> None:
    secret = change.keys() & (SECRETS.keys() | {"api_key"})
    endpoints = ENDPOINTS if secret else {**ENDPOINTS, **change}
    credentials = {**SECRETS, **change} if secret else SECRETS
    with pytest.raises(ConfigurationError) as mistake:
        open_driver("dovecot", endpoints, credentials)
    assert sentence in str(mistake.value)
    assert "secret" not in str(mistake.value)
    assert mistake.value.__suppress_context__ or mistake.value.__context__ is None


def test_a_key_instead_of_a_certificate_is_no_authority(
    tmp_path: Path, certificates: CertificateAuthority
) -> None:
    key = certificates.issue("wrong", tmp_path).key
    with pytest.raises(ConfigurationError, match="ca_file cannot be used"):
        read_settings({**ENDPOINTS, "ca_file": str(key)}, SECRETS)


def test_the_authority_as_text(certificates: CertificateAuthority) -> None:
    settings = read_settings({**ENDPOINTS, "ca_pem": certificates.ca_file.read_text()}, SECRETS)
    assert len(settings.tls.get_ca_certs()) == 1


def test_kinds_are_opened_by_name() -> None:
    assert isinstance(open_driver("memory", {}, {}), MemoryDriver)
    assert isinstance(open_driver("dovecot", ENDPOINTS, SECRETS), DovecotDriver)
    with pytest.raises(
        ConfigurationError, match=r"no kind of mail server named “exchange”\. Use one of: dovecot, mem"
    ):
        open_driver("exchange", {}, {})
