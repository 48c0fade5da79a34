"""Thunderbird's autoconfig, version 1.1 (draft-bucksch-autoconfig): settings as XML."""

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from accounts.models import Domain
from clientsetup.instructions import Endpoint, Instructions

# The program puts in the address its user typed.
TYPED_ADDRESS = "%EMAILADDRESS%"


def client_config(domain: Domain, told: Instructions, *, user_name: str, help_url: str) -> bytes:
    root = Element("clientConfig", version="1.1")
    provider = SubElement(root, "emailProvider", id=domain.name)
    SubElement(provider, "domain").text = domain.name
    SubElement(provider, "displayName").text = domain.name
    SubElement(provider, "displayShortName").text = domain.name
    for endpoint in told.incoming:
        _add_server(SubElement(provider, "incomingServer", type=endpoint.protocol), endpoint, user_name)
    if told.smtp:
        _add_server(SubElement(provider, "outgoingServer", type="smtp"), told.smtp, user_name)
    documentation = SubElement(provider, "documentation", url=help_url)
    SubElement(documentation, "descr", lang="en").text = "How to set up a mail program"
    if told.webmail_url:
        webmail = SubElement(root, "webMail")
        SubElement(webmail, "loginPage", url=told.webmail_url)
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))


def _add_server(parent: Element, endpoint: Endpoint, user_name: str) -> None:
    SubElement(parent, "hostname").text = endpoint.host
    SubElement(parent, "port").text = str(endpoint.port)
    SubElement(parent, "socketType").text = "SSL" if endpoint.is_tls else "STARTTLS"
    # In clear text inside TLS; the other value means CRAM-MD5, for which a server would need to know it.
    SubElement(parent, "authentication").text = "password-cleartext"
    SubElement(parent, "username").text = user_name
