"""The pages about many mailboxes: choosing them in the list, the plan, its files, the export."""

import csv
import io

import pytest
from django.test import Client
from django.utils import timezone
from openpyxl import load_workbook

from accounts.models import Mailbox, Person
from accounts.stepping_up import STEPPED_UP_AT
from audit.models import Event
from batches.models import Batch
from tests.conftest import PASSWORD_HASH, step_up

LIST = "/domains/example.test/"


@pytest.fixture
def mailboxes(domain, mailbox) -> list[Mailbox]:
    return [mailbox] + [
        Mailbox.objects.create(
            address=f"box{number}@example.test",
            domain=domain,
            server=domain.server,
            login=f"box{number}",
            name='=HYPERLINK("http://evil.example")' if number == 1 else "Zoë",
            quota_bytes=1024**3 * 3 // 2,
        )
        for number in (1, 2)
    ]


def chosen(client: Client, **wanted) -> Batch:
    answer = client.post(f"{LIST}batches/choose/", wanted)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/batches/")
    return Batch.objects.latest("pk")


def verdicts(batch: Batch) -> dict[str, str]:
    return {row.address.partition("@")[0]: row.verdict for row in batch.rows.all()}


def stepped_up(client: Client) -> Client:
    session = client.session
    session[STEPPED_UP_AT] = timezone.now().timestamp()
    session.save()
    return client


def test_the_ticked_ones_become_a_plan(signed_in, mailboxes):
    batch = chosen(signed_in, which="ticked", action="off", mailbox=["box1@example.test", "b@elsewhere.test"])
    assert verdicts(batch) == {"box1": "changed"}
    assert batch.rows.get().wanted == {"enabled": False, "sends": False}


def test_those_on_the_page_and_all_that_the_search_found(signed_in, mailboxes):
    on_page = ["anna@example.test", "box2@example.test"]
    assert set(verdicts(chosen(signed_in, which="page", action="on", on_page=on_page)).values()) == {
        "unchanged"
    }
    assert verdicts(chosen(signed_in, which="all", action="delete", q="box")) == {
        "box1": "deleted",
        "box2": "deleted",
    }


def test_room_is_planned_against_the_domains_limit(signed_in, mailboxes, domain):
    domain.max_quota_bytes = 5 * 1024**3
    domain.save()
    batch = chosen(signed_in, which="all", action="quota", quota_bytes="2 GB")
    assert verdicts(batch) == {"anna": "changed", "box1": "refused", "box2": "refused"}
    assert batch.title == "give them 2\N{NO-BREAK SPACE}GB of room"


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"which": "all", "action": "quota"}, "Write how much room they get"),
        ({"which": "all", "action": "quota", "quota_bytes": "-5 GB"}, "Write a number and a unit"),
        ({"which": "all", "action": "explode"}, "explode"),
    ],
)
def test_what_can_not_be_planned_is_asked_again_with_what_was_chosen(signed_in, mailboxes, wanted, says):
    sent = {
        **wanted,
        "mailbox": "box1@example.test",
        "q": "box",
        "quota_bytes": wanted.get("quota_bytes", ""),
    }
    answer = signed_in.post(f"{LIST}batches/choose/", sent)
    page = answer.content.decode()
    assert says in page
    assert 'name="mailbox" value="box1@example.test"' in page
    assert 'value="all" id="which-all" checked' in page
    assert "all 2 mailboxes found" in page
    assert not Batch.objects.exists()


def test_ticking_nothing_leads_back_to_the_list_as_it_was_narrowed(signed_in, mailboxes):
    sent = {"which": "ticked", "action": "off", "q": "box", "show": "on", "sort": "room"}
    answer = signed_in.post(f"{LIST}batches/choose/", sent, follow=True)
    assert answer.redirect_chain[-1][0] == f"{LIST}?q=box&sort=room&show=on"
    assert "Tick the mailboxes first" in answer.content.decode()


def test_the_plan_tells_counts_differences_and_reasons_and_escapes_what_was_typed(upload, signed_in, mailbox):
    batch = upload("address,name\nanna,<b>Anna</b>\nbert,\nb rt,\n", name='"><script>.csv')
    page = signed_in.get(f"/batches/{batch.pk}/").content.decode()
    assert "&lt;b&gt;Anna&lt;/b&gt;" in page
    assert "(before: <bdi>Anna Jansen</bdi>)" in page
    assert "No blanks, no accents." in page
    assert "Something happens to 2 mailboxes." in page
    assert "<script>." not in page
    only = signed_in.get(f"/batches/{batch.pk}/?show=refused")
    assert [row.number for row in only.context["page"].rows] == [4]


def test_long_plans_have_pages(upload, signed_in):
    batch = upload("address\n" + "".join(f"a{number}\n" for number in range(120)))
    seen, after = [], ""
    while True:
        page = signed_in.get(f"/batches/{batch.pk}/?after={after}").context["page"]
        seen += [row.number for row in page.rows]
        after = page.after
        if not after:
            break
    assert seen == list(range(2, 122))
    back = signed_in.get(f"/batches/{batch.pk}/?before=52").context["page"]
    assert ([row.number for row in back.rows][::49], back.before, back.after) == ([2, 51], "", "51")


def test_a_page_of_a_plan_asks_the_database_little(upload, signed_in, django_assert_max_num_queries):
    batch = upload("address\n" + "".join(f"a{number}\n" for number in range(60)))
    with django_assert_max_num_queries(8):
        signed_in.get(f"/batches/{batch.pk}/")


def test_a_file_that_can_not_be_read_says_so_beside_the_field(signed_in, domain):
    file = io.BytesIO(b"address,password\na,hunter2\n")
    file.name = "x.csv"
    answer = signed_in.post(f"{LIST}batches/upload/", {"file": file})
    assert answer.status_code == 200
    assert "takes none from files" in answer.content.decode()
    assert "hunter2" not in answer.content.decode()


def test_a_file_far_too_large_is_refused_and_not_kept(signed_in, domain):
    file = io.BytesIO(b"address\n" + b"x" * 9 * 1024 * 1024)
    file.name = "x.csv"
    answer = signed_in.post(f"{LIST}batches/upload/", {"file": file})
    assert "larger than 8 MB" in answer.content.decode()
    assert answer.wsgi_request.FILES["file"].size < 8 * 1024 * 1024 + 100_000


def test_rows_to_mend_come_back_as_they_were_typed_and_can_be_given_again(upload, signed_in, mailbox):
    batch = upload("address;phone;room\nanna;12;2 GB\nbert;34;0\n=x;56;\n")
    step_up(signed_in)
    data = b"".join(signed_in.get(f"/batches/{batch.pk}/not-done/"))
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))
    assert rows[0] == ["address", "phone", "room", "reason"]
    assert rows[1][:3] == ["bert", "34", "0"]
    assert "0 is no room for mail." in rows[1][3]
    # No spreadsheet reckons with it.
    assert rows[2][:2] == ["'=x", "56"]
    again = upload(data.replace(b"bert,34,0", b"bert,34,1 GB"))
    assert [row.verdict for row in again.rows.all()] == ["new", "refused"]


def test_the_template_can_be_uploaded_as_it_is(upload, signed_in, domain):
    for kind in ("xlsx", "csv"):
        answer = signed_in.get(f"{LIST}batches/template/?format={kind}")
        data = b"".join(answer) if answer.streaming else answer.content
        batch = upload(data, name=f"t.{kind}")
        assert [row.verdict for row in batch.rows.all()] == ["new", "new"], kind
        assert batch.notes == []


def test_an_export_changes_nothing_when_it_is_given_back(upload, signed_in, mailboxes):
    stepped_up(signed_in)
    for kind in ("csv", "xlsx"):
        answer = signed_in.post(f"{LIST}export/", {"format": kind})
        data = b"".join(answer) if answer.streaming else answer.content
        assert PASSWORD_HASH.encode() not in data
        batch = upload(data, name=f"t.{kind}")
        # A formula is no name that the portal would take in again.
        assert verdicts(batch) == {"anna": "unchanged", "box1": "unchanged", "box2": "unchanged"}, [
            row.problem_text for row in batch.rows.all()
        ]


def test_an_export_holds_what_was_searched_with_formulas_made_harmless(signed_in, mailboxes, webmaster):
    stepped_up(signed_in)
    answer = signed_in.post(f"{LIST}export/", {"format": "xlsx", "q": "box1"})
    sheet = load_workbook(io.BytesIO(answer.content)).worksheets[0]
    cells = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert cells[1][:4] == ["box1@example.test", '\'=HYPERLINK("http://evil.example")', "1.5 GB", None]
    assert {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value} == {"s"}
    event = Event.objects.get(verb="mailboxes.exported")
    assert (event.by, event.after) == (webmaster, {"filter": {"q": "box1"}, "format": "xlsx"})


def test_support_looks_but_has_no_buttons(upload, client, support, mailboxes):
    batch = upload("address\na\n")
    client.force_login(support)
    page = client.get(f"/batches/{batch.pk}/").content.decode()
    assert "Do it" not in page
    page = client.get(LIST).content.decode()
    assert 'form="many"' not in page
    assert "Take all as a file" in page


def test_the_list_of_a_domains_plans_tells_who_and_when(upload, signed_in, other_webmaster, client):
    upload("address\na\n", name="newcomers.csv")
    page = signed_in.get(f"{LIST}batches/").content.decode()
    assert "newcomers.csv" in page
    assert "willem" in page
    client.force_login(Person.objects.get(username="wanda"))
    assert client.get(f"{LIST}batches/").status_code == 404
