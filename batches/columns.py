"""The columns of a file, and the words in them, in four languages and as people vary them."""

import re
import unicodedata
from dataclasses import dataclass

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext, pgettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Column:
    """One that a file may have."""

    key: str
    title: object
    """A lazy text: what the template and exports call it."""
    explained: object
    also: frozenset[str]
    """Other names, folded as `fold` does."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# The other names are what people and other programs call them: English, Dutch, French, German.
COLUMNS = (
    Column(
        "address",
        pgettext_lazy("column of a file", "address"),
        _("The whole address, or what comes before the @. It alone is needed."),
        _words(
            "address addresses email emailaddress mail mailaddress mailbox localpart user username"
            " adres emailadres mailadres postvak adresse adresseemail adressemail courriel boite"
            " boiteauxlettres emailadresse mailadresse postfach"
        ),
    ),
    Column(
        "name",
        pgettext_lazy("column of a file", "name"),
        _("Of the person, or of what the mailbox is for."),
        _words(
            "name displayname fullname realname naam volledigenaam weergavenaam nom nomcomplet"
            " nomaffiche anzeigename vollername"
        ),
    ),
    Column(
        "quota_bytes",
        pgettext_lazy("column of a file", "room"),
        _("A number and a unit, such as 1.5 GB. Empty: as much as the domain gives by default."),
        _words(
            "room quota quotabytes quotas limit size space ruimte opslag limiet espace taille limite"
            " speicher speicherplatz platz kontingent roomformail"
        ),
    ),
    Column(
        "recovery_address",
        pgettext_lazy("column of a file", "recovery address"),
        _("Another address of the same person: the link to choose a password is sent there."),
        _words(
            "recoveryaddress recovery recoveryemail alternativeemail secondaryemail externalemail"
            " hersteladres herstelemail adressederecuperation adressedesecours emaildesecours"
            " wiederherstellungsadresse ersatzadresse notfalladresse"
        ),
    ),
    Column(
        "login",
        pgettext_lazy("column of a file", "login"),
        _("The user name on the mail server. Empty: the next free one. It can't be changed later."),
        _words(
            "login loginname account userid gebruikersnaam aanmeldnaam inlognaam identifiant"
            " nomdutilisateur benutzername anmeldename benutzer"
        ),
    ),
    Column(
        "enabled",
        pgettext_lazy("column of a file", "signing in"),
        _("yes or no: whether people can sign in."),
        _words(
            "enabled active activated status signingin signin on ingeschakeld actief aanmelden inloggen"
            " actif active connexion aktiv aktiviert anmelden anmeldung"
        ),
    ),
    Column(
        "sends",
        pgettext_lazy("column of a file", "sending"),
        _("yes or no: whether who signs in may send as well."),
        _words("sends send sending maysend cansend verzenden versturen envoi envoyer senden versand"),
    ),
    Column(
        "receives",
        pgettext_lazy("column of a file", "receiving"),
        _("yes or no: whether new mail is taken; else its senders get it back."),
        _words("receives receive receiving ontvangen ontvangst reception recevoir empfangen empfang"),
    ),
    Column(
        "language",
        pgettext_lazy("column of a file", "language"),
        _("en, nl, fr or de: of mails to this mailbox's user. Empty: the domain's."),
        _words("language lang locale taal langue sprache"),
    ),
    Column(
        "template",
        pgettext_lazy("column of a file", "template"),
        _("Of a new mailbox: the name of a template of the domain. It fills in what its row leaves empty."),
        _words("template mailboxtemplate sjabloon modele gabarit vorlage"),
    ),
    Column(
        "action",
        pgettext_lazy("column of a file", "action"),
        _("Empty: make the mailbox, or change it. Or: delete, or link (send a link to choose a password)."),
        _words("action actie aktion"),
    ),
    Column(
        "password_hash",
        pgettext_lazy("column of a file", "password hash"),
        _("Only for mailboxes that move here: as Dovecot writes it, {SHA512-CRYPT}… for example."),
        _words("passwordhash hash wachtwoordhash hachage hachagedumotdepasse passworthash"),
    ),
)
# Files with one are refused: nobody but its user ever knows a password.
PASSWORDS = _words("password passwd pass pwd wachtwoord paswoord motdepasse mdp passwort kennwort")
# Of a file of refused rows that comes back.
REASON = pgettext_lazy("column of a file", "reason")
REASONS = _words("reason problem reden probleem raison motif probleme grund")

YES = _words("yes y true 1 on x ja j waar aan oui o vrai wahr an ein")
NO = _words("no n false 0 off nee onwaar uit non faux nein falsch aus")
DELETE = _words("delete remove verwijderen wissen supprimer effacer loschen entfernen")
LINK = _words("link sendlink lien koppeling")
MAKE = _words("make create change set new update maken wijzigen creer creer modifier anlegen andern neu")
NO_LIMIT = _words("nolimit unlimited none geenlimiet onbeperkt sanslimite illimite keinlimit unbegrenzt")


def fold(text: str) -> str:
    """E-Mail Address and e_mail-address are one: letters and digits alone, small, without accents."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[^a-z0-9]", "", plain.replace("ß", "ss"))


def key_of(title: str) -> str:
    """Which column people mean by a title; "password" and "reason" are some too; "" for none of them."""
    folded = fold(title)
    known = _names().get(folded, "")
    # "New password", "Kennwort neu": whatever is around the word.
    is_password = folded in PASSWORDS or any(word in folded for word in PASSWORDS if len(word) > 4)
    return "password" if is_password and not known else known


def _names() -> dict[str, str]:
    """By folded name, also as the catalogues of all languages have it."""
    if not _known:
        found = {name: column.key for column in COLUMNS for name in column.also}
        found |= {fold(column.key): column.key for column in COLUMNS}
        found |= dict.fromkeys(REASONS, "reason")
        for code, _name in settings.LANGUAGES:
            with translation.override(code):
                found |= {fold(str(column.title)): column.key for column in COLUMNS}
                found[fold(str(REASON))] = "reason"
        _known.update(found)
    return _known


_known: dict[str, str] = {}


def language_code(text: str) -> str:
    """The code of a language named by its code or in any of the languages; "" for none."""
    folded = fold(text)
    for code, own_name in settings.LANGUAGES:
        names = {code, fold(own_name), *_LANGUAGE_NAMES.get(code, ())}
        if folded in names:
            return code
    return ""


def language_name(code: str) -> str:
    return dict(settings.LANGUAGES).get(code, code)


_LANGUAGE_NAMES = {
    "en": _words("english engels anglais englisch"),
    "nl": _words("dutch nederlands neerlandais niederlandisch"),
    "fr": _words("french frans francais franzosisch"),
    "de": _words("german duits allemand deutsch"),
}


def yes_or_no(value: bool) -> str:
    """As exports write it."""
    return gettext("yes") if value else gettext("no")


def no_limit() -> str:
    return pgettext("in a file", "no limit")
