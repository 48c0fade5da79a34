"""Where an alias may lead to, and why not."""

import re
from collections.abc import Collection

from django.utils.translation import gettext as _

from accounts.models import Alias, Domain, Mailbox, Person
from accounts.pasted import addresses_in
from accounts.target_addresses import without_tag
from vacation.addresses import names_known_to, near_miss, read_addresses
from vacation.loops import in_words, way_back
from vacation.models import DomainRules, Outside

# A list of more people wants a list server, with a way to leave it.
MOST = 50
_LOCAL_PART = re.compile(r"[a-z0-9_.+-]+", re.IGNORECASE)


def read_targets(text: str, domain: Domain) -> list[str]:
    """Addresses as people type them; a name alone is one of the domain's. Raises NoAddress."""
    parts = addresses_in(text)
    whole = [f"{part}@{domain.name}" if _LOCAL_PART.fullmatch(part) else part for part in parts]
    return read_addresses("\n".join(whole))


def problem_with(alias: str, target: str, domain: Domain) -> str:
    """Why mail to the alias (``@example.test``: the catch-all) can't go there; "" when it can."""
    if target == alias or without_tag(target) == alias:
        return _("%(address)s is this alias itself.") % {"address": target}
    if words := _forbidden(target, domain) or _missing(target, domain):
        return words
    if path := way_back(alias, target, domain):
        return _("Mail to %(address)s would come back here: %(path)s.") % {
            "address": target,
            "path": in_words([alias, *path], domain),
        }
    return ""


def _forbidden(target: str, domain: Domain) -> str:
    rules, there = DomainRules.of(domain), {"address": target, "domain": domain.name}
    if rules.permits(target):
        return ""
    if rules.outside == Outside.INSIDE:
        return _("%(address)s is not allowed: mail of %(domain)s may only go to its own addresses.") % there
    words = _(
        "%(address)s is not allowed: it is not in the list of addresses that mail of %(domain)s may go to."
        " The list is with the domain's rules for forwarding."
    )
    return words % there


def _missing(target: str, domain: Domain) -> str:
    if not is_inside(target, domain) or exists(target):
        return ""
    if Mailbox.objects.deleted().filter(address=without_tag(target)).exists():
        return _("The mailbox %(address)s is deleted.") % {"address": target}
    return _("There is no mailbox and no alias %(address)s.") % {"address": target}


def doubt_about(target: str, domain: Domain, by: Person) -> str:
    """What looks like a slip of the finger; "" when nothing does. Other customers' domains are not told."""
    if meant := near_miss(target, names_known_to(by, domain)):
        return _("Did you mean %(meant)s? If %(address)s is right, save again.") % {
            "meant": meant,
            "address": target,
        }
    theirs = Domain.objects.administered_by(by).filter(name=target.rpartition("@")[2]).first()
    if theirs is None or theirs == domain or exists(target):
        return ""
    return _("The portal knows no mailbox and no alias %(address)s. If it is right, save again.") % {
        "address": target
    }


def doubt_about_copies(targets: Collection[str]) -> str:
    """Where one mailbox would get a mail more than once."""
    whole: dict[str, list[str]] = {}
    for target in targets:
        whole.setdefault(without_tag(target), []).append(target)
    if not (twice := [target for same in whole.values() if len(same) > 1 for target in same]):
        return ""
    words = _(
        "These lead to one mailbox, which would get each mail more than once: %(addresses)s. If that"
        " is right, save again."
    )
    return words % {"addresses": ", ".join(twice)}


def outside_of(targets: Collection[str], domain: Domain) -> list[str]:
    return [target for target in targets if not is_inside(target, domain)]


def is_inside(target: str, domain: Domain) -> bool:
    return target.rpartition("@")[2] == domain.name


def exists(target: str) -> bool:
    """Whether a mailbox or an alias has this address, a tag left out; the catch-all does not count."""
    names = [target, without_tag(target)]
    if Mailbox.objects.alive().filter(address__in=names).exists():
        return True
    return Alias.objects.alive().filter(address__in=names).exists()
