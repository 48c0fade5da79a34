"""Microsoft's Autodiscover, as POX (MS-OXDSCLI): Outlook posts XML and gets XML."""

from datetime import datetime
from xml.etree.ElementTree import Element, ParseError, SubElement, indent, tostring

import defusedxml.ElementTree
from defusedxml import DefusedXmlException

from clientsetup.instructions import Endpoint, Instructions

_ROOT = "http://schemas.microsoft.com/exchange/autodiscover"
REQUEST = f"{_ROOT}/outlook/requestschema/2006"
ANSWER = f"{_ROOT}/responseschema/2006"
OUTLOOK = f"{_ROOT}/outlook/responseschema/2006a"
# A request has one address and one schema.
LARGEST_REQUEST = 16 * 1024

INVALID_REQUEST, NO_PROVIDER, NO_SETTINGS = 600, 601, 500
MESSAGES = {
    INVALID_REQUEST: "Invalid Request",
    NO_PROVIDER: "Provider is not available",
    NO_SETTINGS: "No settings are known for this domain",
}
TYPES = {"imap": "IMAP", "pop3": "POP3", "smtp": "SMTP"}


class BadRequest(Exception):
    """With the code to answer."""

    def __init__(self, code: int) -> None:
        super().__init__(MESSAGES[code])
        self.code = code


def read_address(body: bytes) -> str:
    """The address asked about; raises BadRequest. No entity is resolved and no DTD accepted."""
    if len(body) > LARGEST_REQUEST:
        raise BadRequest(INVALID_REQUEST)
    try:
        root = defusedxml.ElementTree.fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        # LookupError: an encoding nobody knows.
        raise BadRequest(INVALID_REQUEST) from None
    names = {"r": REQUEST}
    if root.tag != f"{{{REQUEST}}}Autodiscover":
        raise BadRequest(INVALID_REQUEST)
    address: str = root.findtext("r:Request/r:EMailAddress", "", names).strip()
    wanted = root.findtext("r:Request/r:AcceptableResponseSchema", "", names).strip()
    if not address or not wanted:
        raise BadRequest(INVALID_REQUEST)
    if wanted != OUTLOOK:
        raise BadRequest(NO_PROVIDER)
    return address


def answer(told: Instructions, *, user_name: str) -> bytes:
    """`user_name` empty: the program asks for it."""
    root = Element("Autodiscover", xmlns=ANSWER)
    response = SubElement(root, "Response", xmlns=OUTLOOK)
    account = SubElement(response, "Account")
    SubElement(account, "AccountType").text = "email"
    SubElement(account, "Action").text = "settings"
    for endpoint in told.incoming:
        _add_protocol(account, endpoint, user_name)
    if told.smtp:
        protocol = _add_protocol(account, told.smtp, user_name)
        SubElement(protocol, "UsePOPAuth").text = "on"
        SubElement(protocol, "SMTPLast").text = "off"
    return _written(root)


def refusal(code: int, now: datetime) -> bytes:
    root = Element("Autodiscover", xmlns=ANSWER)
    response = SubElement(root, "Response")
    error = SubElement(response, "Error", Time=now.strftime("%H:%M:%S.%f"), Id="0")
    SubElement(error, "ErrorCode").text = str(code)
    SubElement(error, "Message").text = MESSAGES[code]
    SubElement(error, "DebugData")
    return _written(root)


def _add_protocol(account: Element, endpoint: Endpoint, user_name: str) -> Element:
    protocol = SubElement(account, "Protocol")
    SubElement(protocol, "Type").text = TYPES[endpoint.protocol]
    SubElement(protocol, "Server").text = endpoint.host
    SubElement(protocol, "Port").text = str(endpoint.port)
    SubElement(protocol, "DomainRequired").text = "off"
    if user_name:
        SubElement(protocol, "LoginName").text = user_name
    SubElement(protocol, "SPA").text = "off"
    SubElement(protocol, "SSL").text = "on" if endpoint.is_tls else "off"
    SubElement(protocol, "Encryption").text = "SSL" if endpoint.is_tls else "TLS"
    SubElement(protocol, "AuthRequired").text = "on"
    return protocol


def _written(root: Element) -> bytes:
    indent(root)
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))
