"""Fills the portal of a world; runs inside Django (see `World`).

`fill` reads the servers as JSON from standard input, and writes as JSON who can sign in with what.
"""

import base64
import json
import sys
import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts import second_factors
from accounts.aliases import create_alias
from accounts.models import Domain, DomainAdmin, Mailbox, Person
from accounts.services import change_password, create_mailbox
from audit import nightly, seals
from demo.passwords import readable_password
from demo.sample import (
    ALIASES,
    AUTO_REPLIES,
    DOMAINS,
    PEOPLE,
    ROOMS,
    TEMPLATES,
    SampleAlias,
    SampleAutoReply,
    SampleDomain,
    SamplePerson,
    SampleRoom,
    SampleTemplate,
    login_of,
)
from mailboxtemplates.models import MailboxTemplate
from mailboxtemplates.services import save_template
from mailservers.credentials import seal
from mailservers.models import Change, Server, Usage, UsageDay, say
from quotas import reading
from quotas.figures import DAYS
from quotas.services import change_quota
from vacation.models import AutoReply
from vacation.services import save_auto_reply

LIVE_WITHIN_SECONDS = 40.0
MB = 1024**2


def fill() -> None:
    """Before the worker starts: it listens for the servers it finds then."""
    servers = {given["name"]: create_server(given) for given in json.load(sys.stdin)}
    people = [create_person(sample) for sample in PEOPLE]
    operator = Person.objects.get(is_operator=True)
    mailboxes: list[dict[str, str]] = []
    for sample in DOMAINS:
        mailboxes += create_domain(sample, servers[sample.server], operator)
    for template in TEMPLATES:
        keep_template(template)
    for room in ROOMS:
        change_quota(Mailbox.objects.get(address=room.address), room.megabytes * MB, by=operator)
    json.dump({"people": people, "mailboxes": mailboxes}, sys.stdout)


def make_live() -> None:
    """With the worker: the mailboxes are on their servers, and then the auto-replies. Writes the logins."""
    # A script has no place on a server before its account is there.
    wait_until_all_is_live()
    for alias in ALIASES:
        name_alias(alias)
    for auto_reply in AUTO_REPLIES:
        switch_on(auto_reply)
    wait_until_all_is_live()
    json.dump(dict(Mailbox.objects.values_list("address", "login")), sys.stdout)


def read_usage() -> None:
    """With mail in the mailboxes: what they hold, and days before today as they may have been."""
    for domain_id, _queue in reading.due_domains():
        reading.read_some(domain_id)
    for room in ROOMS:
        invent_days(room)
    # As the portal's nights begin.
    seals.make_checkpoint()
    nightly.verify()


def invent_days(room: SampleRoom) -> None:
    usage = Usage.objects.get(mailbox__address=room.address)
    today = timezone.localdate()
    days = []
    for ago in range(1, DAYS):
        # The same ups and downs at each start.
        size = usage.bytes_used - ago * room.grows * 1024 + (ago * 7919 % 13 - 6) * 12 * 1024
        trash = min(usage.trash_bytes, max(0, size) // 3)
        days.append(
            UsageDay(
                mailbox_id=usage.mailbox_id,
                day=today - timedelta(days=ago),
                bytes_used=max(200 * 1024, size),
                trash_bytes=trash,
            )
        )
    UsageDay.objects.bulk_create(days)


def create_server(given: dict[str, Any]) -> Server:
    if given["kind"] == "virtualmin":
        # Its writes wait for one another anyway.
        return Server.objects.create(
            name=given["name"],
            kind=given["kind"],
            endpoints=given["endpoints"],
            sealed_credentials=seal(given["credentials"]),
            connections=1,
        )
    return Server.objects.create(
        name=given["name"],
        kind=given["kind"],
        endpoints=given["endpoints"],
        sealed_credentials=seal(given["credentials"]),
        imap_host="127.0.0.1",
        imap_port=given["imaps"],
        pop3_host="127.0.0.1",
        pop3_port=given["pop3s"],
        smtp_host="127.0.0.1",
        smtp_port=given["submissions"],
        webmail_url=f"https://{given['name']}.test/webmail",
        takes_addresses=True,
    )


def create_person(sample: SamplePerson) -> dict[str, str]:
    password = readable_password()
    person = Person(
        username=sample.login,
        name=sample.name,
        email=f"{sample.login}@hoster.test",
        is_operator=sample.role == "operator",
        is_support=sample.role == "support",
    )
    person.set_password(password)
    person.save()
    key = second_factors.new_app_key()
    second_factors.keep_app(person, key, name="Authenticator app")
    second_factors.make_recovery_codes(person)
    secret = base64.b32encode(key).decode()
    return {"role": sample.role, "login": sample.login, "password": password, "totp_secret": secret}


@transaction.atomic
def create_domain(sample: SampleDomain, server: Server, operator: Person) -> list[dict[str, str]]:
    domain = Domain.objects.create(name=sample.name, server=server, language=sample.language)
    for person in PEOPLE:
        if sample.name in person.domains:
            DomainAdmin.objects.create(domain=domain, person=Person.objects.get(username=person.login))
    signing_in = []
    for number, (local_part, name) in enumerate(sample.mailboxes, start=1):
        login, password = login_of(sample.name, number), readable_password()
        mailbox = create_mailbox(domain, local_part, login=login, name=name, by=operator)
        change_password(mailbox, password, by=None)
        signing_in.append(
            {"address": mailbox.address, "login": login, "password": password, "server": server.name}
        )
    return signing_in


def keep_template(sample: SampleTemplate) -> None:
    template = MailboxTemplate(
        domain=Domain.objects.get(name=sample.domain),
        title=sample.title,
        quota_bytes=sample.gigabytes * 1024 * MB,
        address_style=sample.address_style,
        note=sample.note,
    )
    save_template(template, seen_version=0, by=Person.objects.get(username=sample.by))


def name_alias(sample: SampleAlias) -> None:
    domain = Domain.objects.get(name=sample.address.rpartition("@")[2])
    create_alias(domain, sample.address, sample.targets, by=Person.objects.get(username=sample.by))


def switch_on(sample: SampleAutoReply) -> None:
    auto_reply = AutoReply.of(Mailbox.objects.get(address=sample.address))
    seen_version = auto_reply.version
    auto_reply.enabled, auto_reply.subject, auto_reply.text = True, sample.subject, sample.text
    this_minute = timezone.now().replace(second=0, microsecond=0)
    auto_reply.starts = this_minute + sample.starts if sample.starts else None
    auto_reply.ends = this_minute + sample.ends if sample.ends else None
    save_auto_reply(auto_reply, seen_version=seen_version, by=Person.objects.get(username=sample.by))


def wait_until_all_is_live() -> None:
    """Ends the process with a sentence when a server refuses, or does not take everything in time."""
    end = time.monotonic() + LIVE_WITHIN_SECONDS
    while True:
        failed = Change.objects.filter(state=Change.State.FAILED).first()
        waiting = Change.objects.open().order_by("-reason").first()
        if failed:
            sys.exit(f"{failed.subject} could not be set up: {say(failed.reason, failed.reason_values)}")
        if not waiting:
            return
        if time.monotonic() > end:
            why = say(waiting.reason, waiting.reason_values) or "No worker has taken it."
            sys.exit(f"{waiting.subject} is not set up after {LIVE_WITHIN_SECONDS:g} s. {why}")
        time.sleep(0.1)
