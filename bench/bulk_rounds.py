"""The rounds of the bulk bench; imported once Django is set up."""

import io
import time
from statistics import median

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.test import Client, override_settings
from django.utils import timezone
from openpyxl import Workbook

from accounts.models import Domain, Mailbox, Person
from accounts.services import create_mailbox
from accounts.stepping_up import STEPPED_UP_AT
from batches import services
from batches.models import Batch
from bench.figures import Figure, figure
from bench.stage import Stage
from mailservers.models import Server

TITLES = ["address", "name", "room", "recovery address", "signing in", "language"]
PLAIN = "django.contrib.staticfiles.storage.StaticFilesStorage"


def measure(_stage: Stage, *, quick: bool) -> list[Figure]:
    rows, rounds = (1_000, 1) if quick else (10_000, 3)
    # No worker listens: what counts here is the portal's part, not the mail server's.
    server = Server.objects.create(name="bench", kind="memory")
    person = Person.objects.create(username="bench", is_operator=True)
    client = Client(HTTP_HOST="localhost")
    client.force_login(person, "accounts.backends.PersonBackend")
    csv, xlsx, done, changed, undone, single, bare, exported = ([] for _ in range(8))
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": {"BACKEND": PLAIN}}):
        for number in range(rounds):
            domain = Domain.objects.create(name=f"bulk{number}.test", server=server)
            took, batch = upload(client, domain, as_csv(rows, "1 GB"), "new.csv")
            csv.append(took)
            must_be(batch.tally.new, rows)
            done.append(rows / carried_out(batch, person))
            must_be(batch_now(batch).tally.done, rows)
            took, batch = upload(client, domain, as_xlsx(rows, "2 GB"), "changed.xlsx")
            xlsx.append(took)
            must_be(batch.tally.changed, rows)
            changed.append(rows / carried_out(batch, person))
            undone.append(rows / carried_out(batch, person, undo=True))
            must_be(batch_now(batch).tally.undone, rows)
            exported.append(export(client, domain, rows))
            single.append(singly(domain, person, rows // 20))
            bare.append(barely(domain, rows))
            print(
                f"round {number + 1}: planned in {csv[-1]:.1f} s (CSV) and {xlsx[-1]:.1f} s (XLSX); a second:"
                f" {done[-1]:.0f} made, {changed[-1]:.0f} changed, {undone[-1]:.0f} undone,"
                f" {single[-1]:.0f} made one by one",
                flush=True,
            )
    return [
        figure(f"plan_{rows}_s", csv, "s"),
        figure(f"plan_{rows}_xlsx_s", xlsx, "s"),
        figure("rows_per_second", done, "/s"),
        figure("changed_per_second", changed, "/s"),
        figure("undone_per_second", undone, "/s"),
        figure("one_by_one_per_second", single, "/s"),
        figure("over_bare_insert", [median(bare) / each for each in done], "×"),
        figure(f"export_{rows}_s", exported, "s"),
    ]


def upload(client: Client, domain: Domain, data: bytes, name: str) -> tuple[float, Batch]:
    """Seconds from the request to its answer, which leads to the plan."""
    began = time.monotonic()
    path = f"/domains/{domain.name}/batches/upload/"
    answer = client.post(path, {"file": SimpleUploadedFile(name, data)})
    took = time.monotonic() - began
    must_be(answer.status_code, 302)
    return took, Batch.objects.latest("pk")


def carried_out(batch: Batch, by: Person, *, undo: bool = False) -> float:
    """Seconds in one worker, from the button to the last row; the announcements go to Redis."""
    (services.undo if undo else services.begin)(batch, by=by, announce=lambda _number: None)
    began = time.monotonic()
    while services.work(batch.pk):
        pass
    return time.monotonic() - began


def must_be(found: int, wanted: int) -> None:
    """A quick wrong answer is no figure."""
    if found != wanted:
        raise AssertionError(f"{found} instead of {wanted}")


def batch_now(batch: Batch) -> Batch:
    return Batch.objects.get(pk=batch.pk)


def export(client: Client, domain: Domain, rows: int) -> float:
    session = client.session
    session[STEPPED_UP_AT] = time.time()
    session.save()
    began = time.monotonic()
    answer = client.post(f"/domains/{domain.name}/export/", {"format": "csv"})
    lines = b"".join(iter(answer)).count(b"\r\n")
    took = time.monotonic() - began
    must_be(lines, rows + 1)
    return took


def singly(domain: Domain, by: Person, count: int) -> float:
    """Mailboxes a second by the service that the page for a new mailbox uses."""
    began = time.monotonic()
    for number in range(count):
        create_mailbox(domain, f"single{number}", login=f"{domain.name}-single{number}", name="", by=by)
    return count / (time.monotonic() - began)


def barely(domain: Domain, count: int) -> float:
    """Rows a second of nothing but the mailboxes, in pieces as large."""
    began = time.monotonic()
    for start in range(0, count, services.AT_ONCE):
        with transaction.atomic():
            Mailbox.objects.bulk_create(
                Mailbox(
                    address=f"bare{number}@{domain.name}",
                    domain=domain,
                    server=domain.server,
                    login=f"{domain.name}-bare{number}",
                    quota_bytes=1024**3,
                    deleted_at=timezone.now(),
                )
                for number in range(start, min(start + services.AT_ONCE, count))
            )
    return count / (time.monotonic() - began)


def _rows(count: int, room: str) -> list[list[str]]:
    return [
        [f"person{n}", f"Person Number {n}", room, f"person{n}@home.test", "yes", "en"] for n in range(count)
    ]


def as_csv(count: int, room: str) -> bytes:
    return "\r\n".join(",".join(row) for row in [TITLES, *_rows(count, room)]).encode()


def as_xlsx(count: int, room: str) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in [TITLES, *_rows(count, room)]:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
