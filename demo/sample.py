"""The sample world: who and what is in it. Nothing here is secret; passwords are made anew at each start."""

from dataclasses import dataclass
from datetime import timedelta

SERVERS = ("maximusconfessor", "vonmuenchhausen")
SIMULATED = "moses"
"""Speaks as Webmin with Virtualmin does, and has no mail behind it."""


@dataclass(frozen=True, slots=True)
class SampleDomain:
    """A domain with its mailboxes: local part and name."""

    name: str
    server: str
    language: str
    mailboxes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class SamplePerson:
    """Somebody with a user name: an operator, support, or the webmaster of `domains`."""

    role: str
    login: str
    name: str
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleAutoReply:
    """An auto-reply that is on already. `starts` and `ends` count from now; None: no limit."""

    address: str
    by: str
    subject: str
    text: str
    starts: timedelta | None = None
    ends: timedelta | None = None


@dataclass(frozen=True, slots=True)
class SampleTemplate:
    """What new mailboxes of a domain may begin with."""

    domain: str
    by: str
    title: str
    gigabytes: int
    address_style: str
    note: str


@dataclass(frozen=True, slots=True)
class SampleAlias:
    """An address that leads to others; without a local part the catch-all of its domain."""

    address: str
    by: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SampleMail:
    """A mail from outside that lies in a mailbox."""

    to: str
    sender: str
    sender_name: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class SampleRoom:
    """A mailbox with a small limit, and what fills it: folder and kilobytes of each mail."""

    address: str
    megabytes: int
    mails: tuple[tuple[str, int], ...]
    grows: int
    """Kilobytes a day, until today."""


DOMAINS = (
    SampleDomain(
        "example.test",
        "maximusconfessor",
        "en",
        (
            ("info", "Example Company"),
            ("anna.peeters", "Anna Peeters"),
            ("thomas.whitfield", "Thomas Whitfield"),
            ("camille.lefevre", "Camille Lefèvre"),
            ("margaret.okafor", "Margaret Okafor"),
            ("luc.dumont", "Luc Dumont"),
            ("noah.janssens", "Noah Janssens"),
            ("helene.marchal", "Hélène Marchal"),
        ),
    ),
    SampleDomain(
        "kapellmeister.test",
        "vonmuenchhausen",
        "de",
        (
            ("karten", "Kartenverkauf"),
            ("clara.hoffmann", "Clara Hoffmann"),
            ("juergen.vogt", "Jürgen Vogt"),
            ("friederike.baumann", "Friederike Baumann"),
            ("matteo.brandt", "Matteo Brandt"),
            ("soeren.lindqvist", "Sören Lindqvist"),
            ("antje.moeller", "Antje Möller"),
        ),
    ),
    SampleDomain(
        "brouwerij.test",
        "maximusconfessor",
        "nl",
        (
            ("proeverij", "Proeverij en rondleidingen"),
            ("pieter.dewit", "Pieter De Wit"),
            ("liesbeth.vandamme", "Liesbeth Van Damme"),
            ("joris.claes", "Joris Claes"),
            ("sanne.vandenberg", "Sanne van den Berg"),
            ("bram.hendriks", "Bram Hendriks"),
            ("zoe.maes", "Zoë Maes"),
        ),
    ),
    SampleDomain(
        "atelierduval.test",
        SIMULATED,
        "fr",
        (
            ("contact", "Atelier Duval"),
            ("marie.duval", "Marie Duval"),
            ("etienne.roche", "Étienne Roche"),
        ),
    ),
)

PEOPLE = (
    SamplePerson("operator", "matthias", "Matthias Keller"),
    SamplePerson("support", "hilde", "Hilde Verstraete"),
    SamplePerson("webmaster", "sophie", "Sophie Laurent", ("example.test", "kapellmeister.test")),
    SamplePerson("webmaster", "joost", "Joost Vermeulen", ("brouwerij.test", "atelierduval.test")),
)

AUTO_REPLIES = (
    SampleAutoReply(
        "liesbeth.vandamme@brouwerij.test",
        by="joost",
        subject="Een tijdje op reis",
        text=(
            "Dag,\n\nik ben een tijdje op reis. Joris Claes (joris.claes@brouwerij.test) helpt u "
            "intussen graag verder.\n\nVriendelijke groeten\nLiesbeth Van Damme"
        ),
    ),
    SampleAutoReply(
        "juergen.vogt@kapellmeister.test",
        by="sophie",
        subject="Auf Konzertreise",
        text=(
            "Guten Tag,\n\nwir sind auf Konzertreise; ich lese Ihre Nachricht danach. "
            "Karten: karten@kapellmeister.test\n\nJürgen Vogt"
        ),
        starts=timedelta(days=20),
        ends=timedelta(days=34),
    ),
)

# In kapellmeister.test nobody reads postmaster and abuse: its page offers to mend that.
TEMPLATES = (
    SampleTemplate("example.test", "sophie", "Employee", 5, "first.last", "Everybody with a contract."),
    SampleTemplate("example.test", "sophie", "Shared mailbox", 20, "", "Say who is responsible for it."),
)

ALIASES = (
    SampleAlias("postmaster@example.test", "sophie", ("margaret.okafor@example.test",)),
    SampleAlias("abuse@example.test", "sophie", ("margaret.okafor@example.test",)),
    SampleAlias(
        "sales@example.test",
        "sophie",
        (
            *("anna.peeters@example.test", "thomas.whitfield@example.test"),
            "orders@papierhandel.test",
        ),
    ),
    SampleAlias("anna@example.test", "sophie", ("anna.peeters@example.test",)),
    SampleAlias(
        "orchester@kapellmeister.test",
        "sophie",
        ("clara.hoffmann@kapellmeister.test", "juergen.vogt@kapellmeister.test"),
    ),
    SampleAlias("@brouwerij.test", "joost", ("proeverij@brouwerij.test",)),
    SampleAlias("bestellingen@brouwerij.test", "joost", ("pieter.dewit@brouwerij.test",)),
    SampleAlias("atelier@atelierduval.test", "joost", ("marie.duval@atelierduval.test",)),
    SampleAlias("@atelierduval.test", "joost", ("contact@atelierduval.test",)),
)

MAILS = (
    SampleMail(
        "anna.peeters@example.test",
        "r.desmet@papierhandel.test",
        "Ruben De Smet",
        "Offerte enveloppen C5",
        "Dag Anna,\n\nin bijlage bij mijn vorige mail vond u de offerte voor 5000 enveloppen. "
        "Past donderdag voor een korte afspraak?\n\nRuben",
    ),
    SampleMail(
        "anna.peeters@example.test",
        "eleanor@harbourbooks.test",
        "Eleanor Price",
        "Your order has left our shop",
        "Dear Anna,\n\nboth books went out this morning and should be with you on Friday.\n\nEleanor",
    ),
    SampleMail(
        "camille.lefevre@example.test",
        "accueil@theatre-du-pont.test",
        "Théâtre du Pont",
        "Vos deux places pour samedi",
        "Bonjour,\n\nvos places vous attendent à l’accueil dès 19 h 30. À samedi !\n\nThéâtre du Pont",
    ),
    SampleMail(
        "info@example.test",
        "d.osei@northfield.test",
        "Daniel Osei",
        "Question about your opening hours",
        "Hello,\n\nare you open on the second Saturday of December?\n\nDaniel Osei",
    ),
    SampleMail(
        "clara.hoffmann@kapellmeister.test",
        "werkstatt@geigenbau-ritter.test",
        "Geigenbau Ritter",
        "Ihre Bratsche ist fertig",
        "Sehr geehrte Frau Hoffmann,\n\nder neue Steg klingt, wie Sie es sich gewünscht haben. "
        "Sie können das Instrument ab morgen abholen.\n\nMit freundlichen Grüßen\nE. Ritter",
    ),
    SampleMail(
        "karten@kapellmeister.test",
        "familie.schulz@posthorn.test",
        "Ute Schulz",
        "Vier Karten, zwei davon ermäßigt",
        "Guten Tag,\n\ngibt es für den 12. noch vier Plätze nebeneinander?\n\nUte Schulz",
    ),
    SampleMail(
        "pieter.dewit@brouwerij.test",
        "planning@hopboerderij.test",
        "Hopboerderij Boone",
        "Levering hop volgende week",
        "Beste Pieter,\n\nde nieuwe oogst komt dinsdag. 40 kg Goldings, zoals besproken.\n\nWim Boone",
    ),
    SampleMail(
        "proeverij@brouwerij.test",
        "n.bakker@fietsclub.test",
        "Nienke Bakker",
        "Rondleiding voor 18 fietsers",
        "Hallo,\n\nwij komen graag op een zaterdagmiddag langs. Wat is er nog vrij?\n\nNienke",
    ),
)


# Small ones, so that little mail fills them.
ROOMS = (
    SampleRoom(
        "luc.dumont@example.test",
        12,
        (("INBOX", 3000), ("INBOX", 1500), ("Sent", 900), ("Trash", 2800), ("Trash", 1900), ("Junk", 300)),
        grows=110,
    ),
    SampleRoom("anna.peeters@example.test", 10, (("INBOX", 2500), ("Sent", 1200), ("Trash", 900)), grows=40),
    SampleRoom("clara.hoffmann@kapellmeister.test", 10, (("INBOX", 1500), ("Trash", 2600)), grows=25),
)


def login_of(domain: str, number: int) -> str:
    """The user name a hoster's server gives a mailbox: ``example0001``."""
    return f"{domain.partition('.')[0][:7]}{number:04}"
