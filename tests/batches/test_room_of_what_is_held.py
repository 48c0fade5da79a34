"""Room below what a mailbox holds would have all its mail sent back: refused wherever it is set."""

import pytest
from django.utils import timezone

from accounts.many import change_mailboxes
from accounts.models import Mailbox
from accounts.room import HoldsMore
from batches import services
from batches.models import Row
from batches.planning import plan_chosen, plan_table
from batches.reading import read_table
from mailservers.models import Usage
from quotas.services import change_quota

MB = 1024**2


@pytest.fixture
def full(mailbox):
    """Anna's mailbox holds 10 of 12 MB."""
    Mailbox.objects.filter(pk=mailbox.pk).update(quota_bytes=12 * MB)
    mailbox.refresh_from_db()
    now = timezone.now()
    Usage.objects.create(mailbox=mailbox, bytes_used=10 * MB, messages=1, wanted_bytes=12 * MB, read_at=now)
    return mailbox


def plan(domain, by, room):
    [row] = plan_table(read_table(f"address,room\nanna,{room}\n".encode()), domain, by=by)
    return row


def test_a_file_that_gives_less_than_is_held_is_refused_with_the_figure(full, domain, webmaster):
    row = plan(domain, webmaster, "1 MB")
    assert row.verdict == Row.Verdict.REFUSED
    assert "holds" in row.problem
    assert row.problem_values["size"].startswith("10")


@pytest.mark.parametrize("room", ["10 MB", "11 MB", "1 GB", "no limit"])
def test_as_much_as_is_held_is_enough(full, domain, webmaster, room):
    assert plan(domain, webmaster, room).verdict == Row.Verdict.CHANGED


def test_so_are_those_that_were_ticked(full, domain, webmaster):
    [row] = plan_chosen([full], domain, action="quota", quota_bytes=MB, by=webmaster)
    assert row.verdict == Row.Verdict.REFUSED


def test_what_came_in_between_plan_and_work_is_looked_at_again(full, domain, webmaster):
    rows = plan_chosen([full], domain, action="quota", quota_bytes=11 * MB, by=webmaster)
    batch = services.keep_plan(domain, rows, by=webmaster, source="list", title="x")
    Usage.objects.update(bytes_used=12 * MB)
    services.begin(batch, by=webmaster, announce=lambda number: None)
    services.work(batch.pk)
    assert batch.rows.get().result == Row.Result.LEFT
    full.refresh_from_db()
    assert full.quota_bytes == 12 * MB


def test_undoing_a_batch_leaves_the_larger_room_where_mail_has_come(full, domain, webmaster):
    rows = plan_chosen([full], domain, action="quota", quota_bytes=100 * MB, by=webmaster)
    batch = services.keep_plan(domain, rows, by=webmaster, source="list", title="x")
    services.begin(batch, by=webmaster, announce=lambda number: None)
    services.work(batch.pk)
    services.work(batch.pk)
    Usage.objects.update(bytes_used=50 * MB)
    services.undo(batch, by=webmaster, announce=lambda number: None)
    services.work(batch.pk)
    full.refresh_from_db()
    assert full.quota_bytes == 100 * MB


def test_the_services_refuse_it_last(full, webmaster):
    with pytest.raises(HoldsMore):
        change_quota(full, MB, by=webmaster)
    with pytest.raises(HoldsMore):
        change_mailboxes([(full, {"quota_bytes": MB})], by=webmaster)
