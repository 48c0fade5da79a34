"""How mail programs read what the portal tells them, as strictly as the strictest of them."""

import re
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Told:
    protocol: str
    host: str
    port: int
    security: str
    user_name: str


def read_as_thunderbird(text: bytes, address: str) -> list[Told]:
    """By the rules of its reader: each element it wants must be there, with a value it knows."""
    root: Any = ElementTree.fromstring(text)  # noqa: S314 - our own answer
    assert root.tag == "clientConfig"
    assert root.get("version") == "1.1"
    [provider] = root.findall("emailProvider")
    assert HOST.fullmatch(provider.get("id"))
    domains = [element.text for element in provider.findall("domain")]
    assert domains
    assert all(HOST.fullmatch(domain) for domain in domains)
    assert provider.findtext("displayName")
    order = [element.tag for element in provider]
    assert order.index("incomingServer") < order.index("outgoingServer")
    told = []
    for element in [*provider.findall("incomingServer"), *provider.findall("outgoingServer")]:
        protocol = element.get("type")
        assert protocol in (["imap", "pop3"] if element.tag == "incomingServer" else ["smtp"])
        assert element.findtext("authentication") == "password-cleartext"
        assert element.findtext("socketType") in ("SSL", "STARTTLS")
        assert HOST.fullmatch(element.findtext("hostname"))
        assert 1 <= int(element.findtext("port")) <= 65535
        name = element.findtext("username").replace("%EMAILADDRESS%", address)
        assert name
        assert "%" not in name
        told.append(
            Told(
                protocol,
                element.findtext("hostname"),
                int(element.findtext("port")),
                element.findtext("socketType"),
                name,
            )
        )
    return told


RESPONSE = "{http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006}"
OUTLOOK = "{http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a}"


def read_as_outlook(text: bytes) -> list[Told]:
    """The POX answer of MS-OXDSCLI: namespaces, order and values as its schema has them."""
    root: Any = ElementTree.fromstring(text)  # noqa: S314 - our own answer
    assert root.tag == f"{RESPONSE}Autodiscover"
    account = root.find(f"{OUTLOOK}Response/{OUTLOOK}Account")
    assert account.findtext(f"{OUTLOOK}AccountType") == "email"
    assert account.findtext(f"{OUTLOOK}Action") == "settings"
    told = []
    for protocol in account.findall(f"{OUTLOOK}Protocol"):
        value = {element.tag.removeprefix(OUTLOOK): element.text for element in protocol}
        assert value["Type"] in ("IMAP", "POP3", "SMTP")
        assert value["SPA"] == value["DomainRequired"] == "off"
        assert value["AuthRequired"] == "on"
        assert (value["SSL"], value["Encryption"]) in [("on", "SSL"), ("off", "TLS")]
        told.append(
            Told(
                value["Type"].lower(),
                value["Server"],
                int(value["Port"]),
                value["Encryption"],
                value.get("LoginName", ""),
            )
        )
    return told


def outlooks_question(address: str, schema: str = OUTLOOK.strip("{}")) -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006">'
        f"<Request><EMailAddress>{address}</EMailAddress>"
        f"<AcceptableResponseSchema>{schema}</AcceptableResponseSchema></Request></Autodiscover>"
    )
