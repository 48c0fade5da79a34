"""Who may change which setting of a mailbox at once, who has to ask, and who may not."""

from collections.abc import Iterable
from enum import StrEnum

from accounts.models import Mailbox, Person
from vacation.models import DomainRules, Outside, SelfService, SettingRequest


class May(StrEnum):
    CHANGE = "change"
    ASK = "ask"
    LOOK = "look"


def may(person: Person, mailbox: Mailbox, setting: str) -> May:
    """What somebody who may see the mailbox may do with this setting of it."""
    changeable = mailbox.told("is_changeable")
    if changeable is None:
        changeable = Mailbox.objects.changeable_by(person).filter(pk=mailbox.pk).exists()
    if not changeable:
        return May.LOOK
    if looks_after(person, mailbox):
        return May.CHANGE
    rules = DomainRules.of(mailbox.domain)
    rule = rules.auto_reply if setting == SettingRequest.Setting.AUTO_REPLY else rules.forwarding
    return {SelfService.SELF: May.CHANGE, SelfService.APPROVAL: May.ASK, SelfService.WEBMASTER: May.LOOK}[
        SelfService(rule)
    ]


def must_ask_for(person: Person, mailbox: Mailbox, new_outside: Iterable[str]) -> bool:
    """Whether these new addresses outside the domain need a webmaster's approval."""
    rules = DomainRules.of(mailbox.domain)
    return rules.outside == Outside.APPROVAL and any(new_outside) and not looks_after(person, mailbox)


def looks_after(person: Person, mailbox: Mailbox) -> bool:
    """Operators, and webmasters of the mailbox's domain."""
    if person.is_operator:
        return True
    if person.is_support:
        return False
    administered = mailbox.told("is_administered")
    return person.domains.filter(pk=mailbox.domain_id).exists() if administered is None else administered
