"""Apple's configuration profiles: settings for a Mac, an iPhone or an iPad in one file."""

import plistlib
import uuid
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import Mailbox
from clientsetup.instructions import Endpoint, Instructions

CONTENT_TYPE = "application/x-apple-aspen-config"


def profile_of(mailbox: Mailbox, told: Instructions, *, organization: str) -> bytes:
    """The mailbox's profile, without a password; signed when a certificate is configured.

    Its identifiers stay the same for a mailbox, so that a newer profile takes the place of an older one.
    """
    written = plistlib.dumps(_profile(mailbox, told, _clean(organization)))
    if settings.PROFILE_CERTIFICATE:
        return _signed(written, settings.PROFILE_CERTIFICATE, settings.PROFILE_KEY)
    return written


def _profile(mailbox: Mailbox, told: Instructions, organization: str) -> dict[str, Any]:
    # Unlike everything else of a mailbox its number never changes.
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    name = f"{'.'.join(reversed(host.split('.')))}.mailbox{mailbox.pk}"
    incoming, outgoing = told.incoming[0], told.smtp
    return {
        "PayloadType": "Configuration",
        "PayloadVersion": 1,
        "PayloadIdentifier": name,
        "PayloadUUID": _uuid(name),
        "PayloadDisplayName": _("Mail for %(address)s") % {"address": mailbox.address},
        "PayloadDescription": _("Sets up the mailbox. It asks for the password once."),
        "PayloadOrganization": organization,
        "PayloadRemovalDisallowed": False,
        "PayloadContent": [
            {
                "PayloadType": "com.apple.mail.managed",
                "PayloadVersion": 1,
                "PayloadIdentifier": f"{name}.mail",
                "PayloadUUID": _uuid(f"{name}.mail"),
                "PayloadDisplayName": mailbox.address,
                "EmailAccountDescription": mailbox.address,
                "EmailAccountName": _clean(mailbox.name) or mailbox.address,
                "EmailAccountType": "EmailTypeIMAP" if incoming.protocol == "imap" else "EmailTypePOP",
                "EmailAddress": mailbox.address,
                **_server("Incoming", incoming, mailbox.login),
                **(_server("Outgoing", outgoing, mailbox.login) if outgoing else {}),
                "OutgoingPasswordSameAsIncomingPassword": True,
            }
        ],
    }


def _server(way: str, endpoint: Endpoint, login: str) -> dict[str, Any]:
    return {
        f"{way}MailServerHostName": endpoint.host,
        f"{way}MailServerPortNumber": endpoint.port,
        # Apple's programs find out from the port and the server whether to begin with TLS or STARTTLS.
        f"{way}MailServerUseSSL": True,
        f"{way}MailServerAuthentication": "EmailAuthPassword",
        f"{way}MailServerUsername": login,
    }


def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name)).upper()


def _clean(text: str) -> str:
    """Without control characters, which a property list can't hold."""
    return "".join(character for character in text if character.isprintable())


@cache
def _signer(
    certificate_file: str, key_file: str
) -> tuple[list[x509.Certificate], rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey]:
    """The certificate, those that vouch for it, and its key."""
    chain = x509.load_pem_x509_certificates(Path(certificate_file).read_bytes())
    key = serialization.load_pem_private_key(Path(key_file).read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise TypeError(f"{key_file} holds neither an RSA nor an EC key.")
    return chain, key


def _signed(data: bytes, certificate_file: str, key_file: str) -> bytes:
    """CMS (RFC 5652), as DER, with the data inside."""
    chain, key = _signer(certificate_file, key_file)
    builder = pkcs7.PKCS7SignatureBuilder().set_data(data).add_signer(chain[0], key, hashes.SHA256())
    for certificate in chain[1:]:
        builder = builder.add_certificate(certificate)
    return builder.sign(serialization.Encoding.DER, [pkcs7.PKCS7Options.Binary])
