"""Files as people write them, uploaded by the webmaster."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from batches.models import Batch
from tests.conftest import step_up


@pytest.fixture
def signed_in(client: Client, webmaster) -> Client:
    client.force_login(webmaster)
    return client


@pytest.fixture
def upload(signed_in: Client, domain) -> Callable[..., Batch]:
    """The plan that a file of the webmaster's becomes."""

    def upload(data: str | bytes, name: str = "people.csv", **options) -> Batch:
        raw = data.encode() if isinstance(data, str) else data
        posted = {"file": SimpleUploadedFile(name, raw), "sends_links": "on", **options}
        answer = signed_in.post(f"/domains/{domain.name}/batches/upload/", posted)
        assert answer.status_code == 302, answer.context["form"].errors
        return Batch.objects.latest("pk")

    return upload


@pytest.fixture
def press(signed_in: Client, committed) -> Callable[[Batch, str], Batch]:
    """A button of the batch's page, by somebody who has just shown who they are; workers do their part."""
    step_up(signed_in)

    def press(batch: Batch, button: str) -> Batch:
        with committed():
            answer = signed_in.post(f"/batches/{batch.pk}/{button}/", {"sure": "1"})
        assert answer.status_code == 302, answer.content
        return Batch.objects.get(pk=batch.pk)

    return press
