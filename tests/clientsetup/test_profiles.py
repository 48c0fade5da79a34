import plistlib
import subprocess

import pytest

from accounts.models import Mailbox
from clientsetup import profiles
from fleet.certificates import CertificateAuthority

URL = "/mailboxes/anna@example.test/set-up/profile/"


@pytest.fixture
def signed(client, mailbox):
    client.force_login(mailbox.owner)
    return client


def test_apples_devices_get_all_settings_and_no_password(signed):
    answer = signed.get(URL)
    assert answer.headers["Content-Type"] == "application/x-apple-aspen-config"
    assert answer.headers["Content-Disposition"].endswith('.mobileconfig"')
    profile = plistlib.loads(answer.content)
    assert (profile["PayloadType"], profile["PayloadVersion"]) == ("Configuration", 1)
    [mail] = profile["PayloadContent"]
    assert mail["PayloadType"] == "com.apple.mail.managed"
    assert mail["EmailAccountType"] == "EmailTypeIMAP"
    assert mail["EmailAddress"] == "anna@example.test"
    assert mail["EmailAccountName"] == "Anna Jansen"
    for way, port in (("Incoming", 993), ("Outgoing", 465)):
        assert mail[f"{way}MailServerHostName"] == "maximusconfessor.all2all.test"
        assert mail[f"{way}MailServerPortNumber"] == port
        assert mail[f"{way}MailServerUseSSL"] is True
        assert mail[f"{way}MailServerUsername"] == "example0001"
        assert mail[f"{way}MailServerAuthentication"] == "EmailAuthPassword"
    assert not [key for key in mail if key.endswith("Password") and key.startswith(("Incoming", "Outgoing_"))]


def test_its_identifiers_stay_though_everything_else_changes(signed, mailbox):
    before = plistlib.loads(signed.get(URL).content)
    Mailbox.objects.update(name="Anna <b>&\x07 Peeters", login="other")
    after = plistlib.loads(signed.get(URL).content)
    for one, other in ((before, after), (before["PayloadContent"][0], after["PayloadContent"][0])):
        assert one["PayloadUUID"] == other["PayloadUUID"]
        assert one["PayloadIdentifier"] == other["PayloadIdentifier"]
    assert after["PayloadContent"][0]["EmailAccountName"] == "Anna <b>& Peeters"
    assert before["PayloadUUID"] != before["PayloadContent"][0]["PayloadUUID"]


def test_with_a_certificate_it_is_signed_and_openssl_agrees(signed, settings, tmp_path):
    authority = CertificateAuthority(tmp_path)
    files = authority.issue("portal", tmp_path / "portal")
    settings.PROFILE_CERTIFICATE, settings.PROFILE_KEY = str(files.certificate), str(files.key)
    (tmp_path / "profile").write_bytes(signed.get(URL).content)
    profiles._signer.cache_clear()
    found = subprocess.run(
        ["openssl", "cms", "-verify", "-inform", "DER", "-in", tmp_path / "profile", "-purpose", "any",
         "-CAfile", authority.ca_file],
        capture_output=True, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr.decode()
    assert plistlib.loads(found.stdout)["PayloadContent"][0]["EmailAddress"] == "anna@example.test"


def test_a_server_without_its_settings_has_no_profile(signed, server):
    server.smtp_host = ""
    server.save()
    assert signed.get(URL).status_code == 404
