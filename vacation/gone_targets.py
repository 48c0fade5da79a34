"""Forwardings whose target takes no mail any more: nothing is sent there, and their people are told.

The mail stays in the mailbox instead, or goes to the other targets alone. Once the same target takes mail
again it gets it as before. Texts that only name an address are found, and left as they are.
"""

import re
from collections.abc import Collection, Iterator
from typing import Any

from django.db.models import Q, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.languages import writing_to
from accounts.led_here import Lead, Watcher, raise_gone
from accounts.models import Alias, Domain, DomainQuerySet, Mailbox, Person
from accounts.slices import slices
from accounts.target_addresses import is_among, leading_to, targets_in, without_tag
from audit.chain import Actor, Entry, record_all
from mails.queue import post
from mailservers import outbox
from vacation.content import reachable_targets
from vacation.models import AutoReply, ForwardingTarget, ReplyTemplate
from vacation.telling import link_to

# Where each kind is mended.
_PAGES = {
    "forwarding": "vacation:edit-forwarding",
    "text": "vacation:edit-auto-reply",
    "template": "vacation:edit-reply-templates",
}
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w.-]{1,253}")


def find(addresses: Collection[str], by: Person) -> list[Lead]:
    """In one query: pages ask it."""
    found = []
    for some in map(set, slices(sorted(addresses))):
        for kind, name, of, words in _that_may_name(some, Domain.objects.administered_by(by)):
            named = [each.strip(".") for each in _ADDRESS.findall(words.casefold())]
            here = [each for each in named if is_among(each, some)]
            if here and name not in addresses:
                found.append(Lead(kind, name, here[0], _PAGES[kind], of))
    return found


def stop_sending_to(addresses: Collection[str], by: Actor | None) -> None:
    """In the transaction in which they cease to take mail."""
    there = [target for target in _targets(addresses) if target.gone_at is None]
    ForwardingTarget.objects.filter(pk__in=[target.pk for target in there]).update(gone_at=timezone.now())
    # Those that go themselves are nobody's to mend.
    sending = [each for each in _sending(there) if each.forwarding.mailbox.address not in addresses]
    _push(sending, "forwarding.target_gone", by)
    raise_gone(((target.forwarding.mailbox, target.address) for target in sending), by)
    for target in sending:
        _tell_user(target, is_back=False)


def send_again_to(addresses: Collection[str], by: Actor | None) -> None:
    """In the transaction in which the same ones take mail again."""
    back = [target for target in _targets(addresses) if target.gone_at is not None]
    ForwardingTarget.objects.filter(pk__in=[target.pk for target in back]).update(gone_at=None)
    sending = _sending(back)
    _push(sending, "forwarding.target_back", by)
    for target in sending:
        _tell_user(target, is_back=True)


def _that_may_name(
    addresses: Collection[str], domains: DomainQuerySet
) -> Iterator[tuple[str, str, str, str]]:
    """Kind, name, what its page is of, and the words in which one of the addresses may stand."""
    names = {address.rpartition("@")[2] for address in addresses}
    targets = ForwardingTarget.objects.filter(
        targets_in(addresses),
        listed=True,
        forwarding__enabled=True,
        forwarding__mailbox__deleted_at=None,
        forwarding__mailbox__domain__in=domains,
    )
    replies = AutoReply.objects.alias(all=_together("subject", "text", "outside_text")).filter(
        _with_one_of(names), mailbox__deleted_at=None, mailbox__domain__in=domains
    )
    templates = ReplyTemplate.objects.alias(all=_together("subject", "text")).filter(
        _with_one_of(names), domain__in=domains
    )
    own = "forwarding__mailbox__address"
    parts = [
        _part(targets, "forwarding", own, own, "address"),
        _part(replies, "text", "mailbox__address", "mailbox__address", "subject", "text", "outside_text"),
        _part(templates, "template", "title", "domain__name", "subject", "text"),
    ]
    yield from parts[0].union(*parts[1:], all=True)


def _part(rows: Any, kind: str, name: str, of: str, *words: str) -> Any:
    texts = {"of": Cast(name, TextField()), "its": Cast(of, TextField()), "words": _together(*words)}
    told = rows.order_by().annotate(kind=Value(kind, TextField()), **texts)
    return told.values_list("kind", "of", "its", "words")


def _together(*fields: str) -> Any:
    if len(fields) == 1:
        return Cast(fields[0], TextField())
    parts = [part for field in fields for part in (Cast(field, TextField()), Value(" "))]
    return Concat(*parts, output_field=TextField())


def _with_one_of(names: Collection[str]) -> Q:
    found = Q(pk__in=[])
    for name in names:
        found |= Q(all__icontains=f"@{name}")
    return found


def taking_no_mail(addresses: Collection[str], gone: Collection[str] = ()) -> set[str]:
    """Those of a mailbox that is deleted, or refuses its mail; of those gone before all but what is back."""
    bare = {without_tag(address) for address in addresses}
    silent = Mailbox.objects.filter(Q(deleted_at__isnull=False) | Q(receives=False), address__in=bare)
    dead = {*silent.values_list("address", flat=True), *map(without_tag, gone)}
    there = Mailbox.objects.alive().filter(receives=True, address__in=dead).values_list("address", flat=True)
    dead -= {*there, *Alias.objects.alive().filter(address__in=dead).values_list("address", flat=True)}
    return {address for address in addresses if is_among(address, dead)}


def _targets(addresses: Collection[str]) -> list[ForwardingTarget]:
    """Of all customers: what is told of it is told to their own people alone."""
    mailbox = "forwarding__mailbox"
    joined = (f"{mailbox}__domain__mail_rules", f"{mailbox}__server", f"{mailbox}__owner")
    return list(leading_to(ForwardingTarget.objects.select_related(*joined), addresses))


def _sending(targets: Collection[ForwardingTarget]) -> list[ForwardingTarget]:
    return [
        target
        for target in targets
        if target.listed
        and target.answer == "confirmed"
        and target.forwarding.enabled
        and target.forwarding.mailbox.deleted_at is None
    ]


def _push(targets: Collection[ForwardingTarget], verb: str, by: Actor | None) -> None:
    """In another customer's history the portal has done it."""
    mine = set[int]()
    if isinstance(by, Person):
        mine = set(Domain.objects.administered_by(by).values_list("pk", flat=True))
    for is_mine in (True, False):
        some = [each for each in targets if (each.forwarding.mailbox.domain_id in mine) == is_mine]
        entries = [
            Entry(
                verb=verb,
                about=target.forwarding.mailbox,
                domain=target.forwarding.mailbox.domain.name,
                after={"target": target.address},
            )
            for target in some
        ]
        events = record_all(entries, by=by if is_mine else None)
        pairs: list[Any] = [
            (target.forwarding.mailbox, event) for target, event in zip(some, events, strict=True)
        ]
        outbox.request_pushes(pairs, "script")


def _tell_user(target: ForwardingTarget, *, is_back: bool) -> None:
    mailbox = target.forwarding.mailbox
    others = reachable_targets(target.forwarding)
    with writing_to(mailbox):
        words = {"address": mailbox.address, "target": target.address, "others": ", ".join(others)}
        if is_back:
            subject = _("Your mail goes to %(target)s again")
            text = _("%(target)s takes mail again, and mail to %(address)s is forwarded there as before.")
        elif others:
            subject = _("Your mail no longer goes to %(target)s")
            text = _(
                "%(target)s takes no mail any more, so mail to %(address)s is not forwarded there. It still"
                " goes to %(others)s."
            )
        else:
            subject = _("Your mail no longer goes to %(target)s")
            text = _(
                "%(target)s takes no mail any more, so mail to %(address)s is not forwarded there. It stays"
                " in your mailbox."
            )
        link = link_to(mailbox, "forwarding")
        post(
            [mailbox.address],
            subject % words,
            f"{text % words}\n\n{link}\n",
            domain=mailbox.domain.name,
        )


watcher = Watcher(find=find, gone=stop_sending_to, back=send_again_to)
