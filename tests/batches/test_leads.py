"""What hangs on the mailboxes of a plan: told before it is begun, mended by it, back with its undoing."""

import pytest
from django.utils import timezone

from accounts.aliases import create_alias, save_alias
from accounts.models import Alias, Mailbox
from vacation.models import Forwarding, ForwardingTarget

pytestmark = pytest.mark.sql


@pytest.fixture
def helene(domain) -> Mailbox:
    return Mailbox.objects.create(
        address="helene@example.test", domain=domain, server=domain.server, login="helene", quota_bytes=0
    )


@pytest.fixture
def forwarded(mailbox, helene) -> None:
    saved = Forwarding.objects.create(mailbox=mailbox, enabled=True, keep_copy=False)
    saved.targets.create(address=helene.address, confirmed_at=timezone.now())


@pytest.mark.parametrize(
    "file", ["address,action\nhelene,delete\n", "address,signing in,receiving\nhelene,no,no\n"]
)
def test_who_forwards_there_stands_above_the_plan(upload, press, signed_in, forwarded, file):
    batch = upload(file)
    shown = signed_in.get(f"/batches/{batch.pk}/").content.decode()
    assert "Mail is forwarded to these mailboxes by anna@example.test." in shown
    press(batch, "begin")
    assert ForwardingTarget.objects.get().gone_at is not None
    press(batch, "undo")
    assert ForwardingTarget.objects.get().gone_at is None


def test_who_goes_as_well_is_not_named(upload, forwarded):
    assert upload("address,action\nanna,delete\nhelene,delete\n").notes == []


def test_an_alias_that_nobody_would_take_mail_for_stands_above_the_plan(upload, helene, domain, webmaster):
    create_alias(domain, "info@example.test", [helene.address], by=webmaster)
    batch = upload("address,signing in,receiving\nhelene,no,no\n")
    assert "so it would be refused: info@example.test" in batch.notes_told[0]


def test_undoing_brings_the_aliases_back_or_says_which_not(upload, press, mailbox, helene, domain, webmaster):
    both = [mailbox.address, helene.address]
    for name in ("one", "two"):
        create_alias(domain, f"{name}@example.test", both, by=webmaster)
    batch = press(upload("address,action\nhelene,delete\n"), "begin")
    two = Alias.objects.get(address="two@example.test")
    save_alias(two, ["x@x.test"], seen_version=two.version, by=webmaster)
    row = press(batch, "undo").rows.get()
    assert row.undo_result == "done"
    assert "It is back, but not these aliases: two@example.test" in row.problem_text
    assert Alias.objects.get(address="one@example.test").addresses() == both
    assert Alias.objects.get(address="two@example.test").addresses() == ["x@x.test"]
