import pytest
from cryptography.fernet import Fernet

from mailservers.credentials import CredentialsLocked, reseal, seal, unseal


def test_what_was_sealed_is_opened_with_the_key_only(settings):
    token = seal({"master_password": "gravel"})
    assert "gravel" not in token
    assert unseal(token) == {"master_password": "gravel"}
    settings.CREDENTIAL_KEYS = [Fernet.generate_key().decode()]
    with pytest.raises(CredentialsLocked):
        unseal(token)


def test_after_resealing_the_old_key_can_go(settings):
    token = seal({"doveadm_key": "teapot"})
    new = Fernet.generate_key().decode()
    settings.CREDENTIAL_KEYS = [new, *settings.CREDENTIAL_KEYS]
    renewed = reseal(token)
    settings.CREDENTIAL_KEYS = [new]
    assert unseal(renewed) == {"doveadm_key": "teapot"}


def test_no_credentials_need_no_key():
    assert unseal("") == {}
