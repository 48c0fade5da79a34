"""Staff and webmasters: who is invited, what they may do, and their going: row and event, both or neither.

Nobody acts on somebody who may do more than they themselves (`Person.objects.manageable_by`), and there is
always somebody who runs the portal.
"""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from accounts import notices, second_factors, throttling
from accounts.devices import forget_devices
from accounts.earlier_passwords import note_replaced
from accounts.models import Domain, DomainAdmin, Mailbox, Person
from accounts.names import Named, require_free, require_new_username
from accounts.one_time_links import CHOOSE_PASSWORD, end_links, make_link, plan_link
from accounts.open_sessions import end_sessions
from accounts.passwords import normalise
from audit.chain import record
from mailservers.ranges import require_ranges


class NotAllowed(Exception):
    """A sentence that says why, in the language of whoever asked."""


@transaction.atomic
def invite(person: Person, *, domains: Iterable[Domain], by: Person) -> str:
    """Keep somebody new; the address of the link on which they choose a password. There is none before.

    Raises NameTaken or BadName.
    """
    _keep_invited(person, domains, by)
    return make_link(CHOOSE_PASSWORD, person, by=by)


@transaction.atomic
def invite_by_mail(person: Person, *, domains: Iterable[Domain], by: Person) -> None:
    """The same, but the link goes to their address, and nobody else sees it. Raises AskedOften."""
    _keep_invited(person, domains, by)
    plan_link(CHOOSE_PASSWORD, person, by=by, mail_to=person.email)


def _keep_invited(person: Person, domains: Iterable[Domain], by: Person) -> None:
    require_free(person.username)
    require_new_username(person.username)
    require_ranges(person, "name")
    person.set_unusable_password()
    person.save()
    DomainAdmin.objects.bulk_create([DomainAdmin(person=person, domain=domain) for domain in domains])
    record("person.invited", by=by, about=person, after=rights_of(person) | {"email": person.email})


@transaction.atomic
def invite_again(person: Person, *, by: Person) -> str:
    """A new link, for who lost the first one or the password; the present password stays until it is used."""
    record("person.link_made", by=by, about=person)
    return make_link(CHOOSE_PASSWORD, person, by=by)


@transaction.atomic
def mail_link_again(person: Person, *, by: Person) -> None:
    """The same, but the link goes to their address, and nobody else sees it. Raises AskedOften."""
    record("person.link_mailed", by=by, about=person)
    plan_link(CHOOSE_PASSWORD, person, by=by, mail_to=person.email)


@transaction.atomic
def change_rights(
    person: Person, *, is_operator: bool, is_support: bool, domains: Iterable[Domain], by: Person
) -> None:
    """Raises NotAllowed. Open sessions end: what they may do is not what they began with."""
    if person.pk == by.pk:
        raise NotAllowed(_("You cannot change your own rights: ask another operator."))
    before = rights_of(person)
    if person.is_operator and not is_operator:
        _keep_an_operator(without=person)
    person.is_operator, person.is_support = is_operator, is_support
    person.save(update_fields=["is_operator", "is_support"])
    wanted = {domain.pk for domain in domains}
    DomainAdmin.objects.filter(person=person).exclude(domain__in=wanted).delete()
    present = set(DomainAdmin.objects.filter(person=person).values_list("domain", flat=True))
    DomainAdmin.objects.bulk_create([DomainAdmin(person=person, domain_id=pk) for pk in wanted - present])
    after = rights_of(person)
    if before != after:
        end_sessions(person)
        record("person.rights_changed", by=by, about=person, before=before, after=after)


@transaction.atomic
def remove_from_domain(person: Person, domain: Domain, *, by: Person) -> None:
    """Raises NotAllowed for oneself, and for who may do more."""
    if person.pk == by.pk:
        raise NotAllowed(_("You cannot take your own domain away from yourself: ask an operator."))
    if DomainAdmin.objects.filter(person=person, domain=domain).delete()[0]:
        end_sessions(person)
        record(
            "domain.webmaster_removed",
            by=by,
            about=domain,
            domain=domain.name,
            before={"person": str(person)},
        )


@transaction.atomic
def disable(person: Person, *, by: Person) -> None:
    """They cannot sign in, their sessions end, and links made for them are over. Raises NotAllowed."""
    if person.pk == by.pk:
        raise NotAllowed(_("You cannot lock yourself out: ask another operator."))
    _keep_an_operator(without=person)
    person.is_active = False
    person.save(update_fields=["is_active"])
    end_sessions(person)
    forget_devices(person)
    end_links(person)
    record("person.disabled", by=by, about=person)


@transaction.atomic
def enable(person: Person, *, by: Person) -> None:
    person.is_active = True
    person.save(update_fields=["is_active"])
    record("person.enabled", by=by, about=person)


@transaction.atomic
def remove(person: Person, *, by: Person) -> None:
    """For good; what they did stays in the history. Raises NotAllowed."""
    if person.pk == by.pk:
        raise NotAllowed(_("You cannot remove yourself: ask another operator."))
    _keep_an_operator(without=person)
    record("person.removed", by=by, about=person, before=rights_of(person))
    Mailbox.objects.filter(owner=person).update(owner=None)
    person.delete()


@transaction.atomic
def reset_second_factor(person: Person, *, by: Person) -> None:
    """For who lost it: signing in asks for a new one. Raises NotAllowed."""
    if person.pk == by.pk:
        raise NotAllowed(_("Change your own second factor on your account's page."))
    second_factors.remove_all(person, by=by)


@transaction.atomic
def set_own_password(person: Person, clear: str, *, but: str | None = None) -> None:
    """The person's own; links made for the one before are over, and their sessions but the one named end."""
    was_there = person.has_usable_password()
    if was_there:
        note_replaced(person, person.password)
    person.set_password(normalise(clear))
    person.save(update_fields=["password"])
    end_sessions(person, but=but)
    forget_devices(person)
    record("person.password_changed", by=person, about=person)
    if was_there:
        notices.tell(person, "password", by=person)


@transaction.atomic
def rename(person: Person, username: str, *, by: Person | None) -> None:
    """Another user name, by which they sign in from now on; raises NameTaken or BadName."""
    require_free(username)
    require_new_username(username)
    before = person.username
    person.username = username
    person.save(update_fields=["username"])
    record("person.renamed", by=by, about=person, before={"username": before}, after={"username": username})


@transaction.atomic
def lift_lock(named: Named) -> int:
    """Whom the name leads to may try again at once; how many tries count no longer."""
    count = throttling.lift_lock(named)
    for about in (named.person, *named.mailboxes):
        if about is not None:
            domain = about.domain.name if isinstance(about, Mailbox) else ""
            record("person.lock_lifted", by=None, about=about, domain=domain)
    return count


@transaction.atomic
def sign_out_everywhere(person: Person) -> int:
    """Their sessions end, and no browser is known to be theirs any more; how many sessions there were."""
    count = end_sessions(person)
    forget_devices(person)
    record("person.signed_out_everywhere", by=None, about=person)
    return count


def rights_of(person: Person) -> dict[str, object]:
    """As events keep them."""
    return {
        "is_operator": person.is_operator,
        "is_support": person.is_support,
        "domains": sorted(person.domains.values_list("name", flat=True)),
    }


def _keep_an_operator(*, without: Person) -> None:
    """Somebody else can sign in and run the portal; locked, so that two cannot remove one another."""
    if not without.is_operator:
        return
    operators = Person.objects.select_for_update().filter(is_operator=True).order_by("pk")
    others = [each for each in operators if each.pk != without.pk and each.is_active]
    if not any(each.has_usable_password() for each in others):
        raise NotAllowed(
            _("This is the last operator who can sign in: without one nobody could run the portal.")
        )
