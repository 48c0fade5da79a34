import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command

from accounts import second_factors
from accounts.models import AuthenticatorApp
from mailservers.credentials import CredentialsLocked, seal, unseal


@pytest.fixture
def new_key(server, settings):
    """A newer key in front of the one that sealed the server's credentials."""
    server.sealed_credentials = seal({"master_password": "gravel"})
    server.save()
    key = Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [key, *settings.CREDENTIAL_KEYS]
    return key


def test_afterwards_the_new_key_alone_opens_them(server, settings, new_key):
    call_command("rotate_credentials")
    settings.CREDENTIAL_KEYS = [new_key]
    server.refresh_from_db()
    assert unseal(server.sealed_credentials) == {"master_password": "gravel"}


def test_a_dry_run_changes_nothing(server, settings, new_key):
    call_command("rotate_credentials", dry_run=True)
    settings.CREDENTIAL_KEYS = [new_key]
    server.refresh_from_db()
    with pytest.raises(CredentialsLocked):
        unseal(server.sealed_credentials)


def test_what_no_key_opens_is_left_and_told(server, settings, new_key, capsys):
    settings.CREDENTIAL_KEYS = [new_key]
    sealed = server.sealed_credentials
    call_command("rotate_credentials")
    server.refresh_from_db()
    assert server.sealed_credentials == sealed
    assert "none of the keys" in capsys.readouterr().err


def test_keys_of_authenticator_apps_are_sealed_anew_as_well(owner, settings, new_key):
    old = settings.CREDENTIAL_KEYS[1:]
    settings.CREDENTIAL_KEYS = old
    key = second_factors.new_app_key()
    second_factors.keep_app(owner, key, name="phone")
    settings.CREDENTIAL_KEYS = [new_key, *old]
    call_command("rotate_credentials", dry_run=True)
    settings.CREDENTIAL_KEYS = [new_key]
    with pytest.raises(CredentialsLocked):
        AuthenticatorApp.objects.get().bin_key  # noqa: B018
    settings.CREDENTIAL_KEYS = [new_key, *old]
    call_command("rotate_credentials")
    settings.CREDENTIAL_KEYS = [new_key]
    assert AuthenticatorApp.objects.get().bin_key == key


def test_an_app_whose_key_no_key_opens_is_left_and_told(owner, settings, new_key, capsys):
    second_factors.keep_app(owner, second_factors.new_app_key(), name="phone")
    sealed = AuthenticatorApp.objects.get().key
    settings.CREDENTIAL_KEYS = [settings.CREDENTIAL_KEYS[1]]
    call_command("rotate_credentials")
    assert AuthenticatorApp.objects.get().key == sealed
    assert "none of the keys" in capsys.readouterr().err
