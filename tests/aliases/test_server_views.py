"""What somebody changed of aliases on the mail server, settled on the list of aliases."""

import pytest

from accounts import aliases
from accounts.models import Alias
from accounts.stepping_up import PROOF
from mailservers import drift
from mailservers.drivers.base import AliasState
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import ALIAS, Observation
from tests.conftest import PASSWORD, step_up

INFO = "info@example.test"


@pytest.fixture
def as_webmaster(client, webmaster):
    webmaster.set_password(PASSWORD)
    webmaster.save()
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    return client


@pytest.fixture
def leads_to(mailbox, webmaster, committed):
    """Makes the alias, and has it lead elsewhere on the server."""

    def leads_to(*targets):
        with committed():
            aliases.create_alias(mailbox.domain, INFO, [mailbox.address], by=webmaster)
        MemoryDriver.known_aliases[INFO] = AliasState(INFO, targets)
        with committed():
            drift.request_check(mailbox.server, domain=mailbox.domain, aspect=ALIAS)
        return {"seen": Observation.objects.drifted().get().mark}

    return leads_to


def kept():
    return Alias.objects.get(address=INFO).addresses()


def test_what_stays_in_the_domain_is_kept_at_once(as_webmaster, leads_to):
    page = as_webmaster.post(f"/aliases/{INFO}/keep-theirs/", leads_to("boss@example.test"), follow=True)
    assert "Kept: the portal now has what the mail server holds." in page.content.decode()
    assert kept() == ["boss@example.test"]


def test_what_leads_outside_asks_for_the_password_before_it_is_kept(as_webmaster, leads_to):
    typed = leads_to("thief@elsewhere.test")
    page = as_webmaster.post(f"/aliases/{INFO}/keep-theirs/", typed)
    assert "Is it still you?" in page.content.decode()
    assert kept() == ["anna@example.test"]
    as_webmaster.post(f"/aliases/{INFO}/keep-theirs/", {**typed, PROOF: PASSWORD})
    assert kept() == ["thief@elsewhere.test"]


def test_what_is_set_here_is_sent_again(as_webmaster, leads_to, committed):
    step_up(as_webmaster)
    typed = leads_to("boss@example.test")
    with committed():
        page = as_webmaster.post(f"/aliases/{INFO}/restore-ours/", typed, follow=True).content.decode()
    assert "What is set here is sent to the mail server again." in page
    assert MemoryDriver.known_aliases[INFO].targets == ("anna@example.test",)
