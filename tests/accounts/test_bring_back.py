"""What led to a mailbox comes back with it, or is told."""

import pytest

from accounts import aliases, lifecycle
from accounts.models import Alias, DomainAdmin, Mailbox, Person

pytestmark = pytest.mark.sql


@pytest.fixture(autouse=True)
def _just_proved_who_they_are(monkeypatch) -> None:
    monkeypatch.setattr("accounts.stepping_up.has_stepped_up", lambda request: True)


@pytest.fixture
def bert(domain) -> Mailbox:
    return Mailbox.objects.create(
        address="bert@example.test", domain=domain, server=domain.server, login="example0002", quota_bytes=0
    )


@pytest.fixture
def gone(mailbox, bert, domain, webmaster) -> Mailbox:
    for name, targets in {
        "solo": ["anna@example.test"],
        "duo": ["anna@example.test", "bert@example.test"],
        "abuse": ["solo@example.test", "x@x.test"],
        "tagged": ["anna+news@example.test"],
    }.items():
        aliases.create_alias(domain, f"{name}@example.test", targets, by=webmaster)
    lifecycle.delete_mailbox(mailbox, by=webmaster, with_aliases=True)
    assert led() == {"duo": ["bert@example.test"], "abuse": ["x@x.test"]}
    return mailbox


BEFORE = {
    "solo": ["anna@example.test"],
    "duo": ["anna@example.test", "bert@example.test"],
    "abuse": ["solo@example.test", "x@x.test"],
    "tagged": ["anna+news@example.test"],
}


def led() -> dict[str, list[str]]:
    return {alias.address.partition("@")[0]: alias.addresses() for alias in Alias.objects.alive()}


def test_its_aliases_come_back_with_it(client, gone, webmaster):
    client.force_login(webmaster)
    shown = client.post("/deleted/anna@example.test/restore/", follow=True).content.decode()
    assert "anna@example.test is back, as it was." in shown
    assert led() == BEFORE


def test_what_somebody_changed_since_stays_and_is_told(client, gone, webmaster):
    duo = Alias.objects.get(address="duo@example.test")
    aliases.save_alias(duo, ["x@x.test"], seen_version=duo.version, by=webmaster)
    client.force_login(webmaster)
    shown = client.post("/deleted/anna@example.test/restore/", follow=True).content.decode()
    assert "is back, but not these aliases: duo@example.test (somebody changed it meanwhile)" in shown
    assert led() == BEFORE | {"duo": ["x@x.test"]}


def test_two_that_went_one_after_the_other_come_back_in_any_order(gone, bert, webmaster):
    lifecycle.delete_mailbox(bert, by=webmaster, with_aliases=True)
    assert lifecycle.restore_mailbox(gone, by=webmaster) == []
    assert led()["duo"] == ["anna@example.test"]
    assert lifecycle.restore_mailbox(bert, by=webmaster) == []
    assert led() == BEFORE


def test_an_alias_of_a_domain_that_one_no_longer_looks_after_is_only_counted(
    mailbox, webmaster, other_domain
):
    mine = DomainAdmin.objects.create(person=webmaster, domain=other_domain)
    aliases.create_alias(other_domain, "a@elsewhere.test", [mailbox.address], by=webmaster)
    lifecycle.delete_mailbox(mailbox, by=webmaster, with_aliases=True)
    mine.delete()
    DomainAdmin.objects.create(person=Person.objects.create(username="wanda"), domain=other_domain)
    lacking = lifecycle.restore_mailbox(mailbox, by=webmaster)
    assert aliases.in_words(lacking) == "1 of a domain you don't look after"
    assert not Alias.objects.alive().exists()


def test_an_address_that_a_mailbox_has_meanwhile_is_told(gone, bert, webmaster):
    Mailbox.objects.filter(pk=bert.pk).update(address="solo@example.test")
    lacking = lifecycle.restore_mailbox(gone, by=webmaster)
    assert "solo@example.test (a mailbox has its address meanwhile)" in aliases.in_words(lacking)
