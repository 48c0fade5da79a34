"""Whoever saves a form that somebody else has saved meanwhile is told, and loses nothing typed."""

import pytest

from accounts.models import Domain, Mailbox, Person
from branding.models import Brand
from mailservers.models import Server
from tests.conftest import step_up

TOLD = "Somebody else saved this meanwhile."


def open_form(client, path):
    """What a browser would send of the page as it is."""
    form = client.get(path).context["form"]
    return {field.html_name: "" if field.value() is None else field.value() for field in form}


def as_sent(values):
    return {name: value for name, value in values.items() if value is not False}


CASES = {
    "rules": (
        "/domains/example.test/usage/rules/",
        {"warning_thresholds": "70 90"},
        {"warn_webmasters": "on"},
    ),
    "quota": ("/mailboxes/anna@example.test/usage/quota/", {"quota_bytes": "3 GB"}, {"quota_bytes": "5 GB"}),
    "brand": ("/domains/example.test/branding/", {"name": "Theirs"}, {"support_phone": "+32 2 1"}),
    "server": (
        "/servers/maximusconfessor/maintenance/",
        {"maintenance_starts": "2090-01-01T10:00", "notice": "Disks."},
        {"notice": "Memory."},
    ),
    "limits": ("/domains/example.test/limits/", {"max_mailboxes": "7"}, {"max_aliases": "9"}),
}


def held():
    domain, brand = (
        Domain.objects.get(name="example.test"),
        Brand.objects.filter(domain__isnull=False).first(),
    )
    server = Server.objects.get()
    return [
        (domain.warning_thresholds, domain.warn_webmasters, domain.max_mailboxes, domain.max_aliases),
        Mailbox.objects.get().quota_bytes,
        (brand.name, brand.support_phone) if brand else None,
        (server.maintenance_starts, server.notice),
    ]


@pytest.mark.parametrize("case", CASES)
def test_the_later_one_is_told_and_may_replace_it(client, operator, mailbox, case):
    path, theirs, mine = CASES[case]
    client.force_login(operator)
    step_up(client)
    page = open_form(client, path)
    assert client.post(path, as_sent(page | theirs)).status_code == 302
    after_theirs = held()
    told = client.post(path, as_sent(page | mine))
    assert TOLD in told.content.decode()
    assert held() == after_theirs
    again = {field.html_name: field.value() for field in told.context["form"]}
    assert all(again[name] == value for name, value in mine.items() if value != "on")
    answer = client.post(path, as_sent({name: value or "" for name, value in again.items()} | mine))
    assert answer.status_code == 302
    assert held() != after_theirs


def test_rights_too(client, operator, domain, other_domain):
    anna = Person.objects.create(username="wendy")
    anna.domains.add(domain)
    client.force_login(operator)
    step_up(client)
    path = "/people/wendy/rights/"
    page = open_form(client, path)
    client.post(path, page | {"role": "support", "domain_names": ""})
    told = client.post(path, page | {"domain_names": f"{domain.name}\n{other_domain.name}"})
    assert TOLD in told.content.decode()
    anna.refresh_from_db()
    assert anna.is_support
