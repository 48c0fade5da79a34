"""Undoing a whole batch says first what it does."""

import pytest

from accounts.models import Mailbox
from batches import services
from batches.models import Batch
from batches.planning import plan_table
from batches.reading import read_table
from tests.conftest import step_up

FILE = "address,name\nnew1,One\nnew2,Two\nanna,Anna Peeters\n"


@pytest.fixture
def done(mailbox, domain, webmaster) -> Batch:
    rows = plan_table(read_table(FILE.encode()), domain, by=webmaster)
    batch = services.keep_plan(domain, rows, by=webmaster, source="file", title="x")
    services.begin(batch, by=webmaster, announce=lambda number: None)
    while services.work(batch.pk):
        pass
    batch.refresh_from_db()
    return batch


def test_it_says_how_many_mailboxes_are_deleted_and_does_nothing_yet(client, done, webmaster):
    client.force_login(webmaster)
    step_up(client)
    page = client.post(f"/batches/{done.pk}/undo/").content.decode()
    assert "2 new mailboxes are deleted." in page
    assert "1 mailbox gets back what was set before." in page
    done.refresh_from_db()
    assert done.state == Batch.State.DONE
    assert Mailbox.objects.alive().filter(address__startswith="new").count() == 2


def test_who_is_sure_has_it_undone(client, done, webmaster):
    client.force_login(webmaster)
    step_up(client)
    assert client.post(f"/batches/{done.pk}/undo/", {"sure": "1"}).status_code == 302
    while services.work(done.pk):
        pass
    assert not Mailbox.objects.alive().filter(address__startswith="new").exists()


def test_a_new_mailbox_that_is_undone_is_told_as_removed_from_the_server(client, done, webmaster, committed):
    client.force_login(webmaster)
    step_up(client)
    with committed():
        client.post(f"/batches/{done.pk}/undo/", {"sure": "1"})
        while services.work(done.pk):
            pass
    assert client.get(f"/batches/{done.pk}/").content.decode().count("Removed from the server") == 2
