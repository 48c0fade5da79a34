"""Files whose new mailboxes begin with the domain's templates."""

import pytest

from accounts.models import Mailbox
from audit.models import Event
from batches import services
from mailboxtemplates.models import MailboxTemplate
from vacation.models import AutoReply, ReplyTemplate

GB = 1024**3


@pytest.fixture
def templates(domain):
    thanks = ReplyTemplate.objects.create(
        domain=domain, title="Thanks", language="en", text="Thanks, {name}."
    )
    return [
        MailboxTemplate.objects.create(domain=domain, title="Employee", quota_bytes=5 * GB, language="nl"),
        MailboxTemplate.objects.create(domain=domain, title="Team Ü", reply=thanks, reply_on=True),
    ]


def wanted(batch):
    """Of each row: its template, room and language, or why it was refused."""
    return [
        row.problem_text
        or (row.wanted.get("template"), row.wanted["quota_bytes"] // GB, row.wanted["language"])
        for row in batch.rows.all()
    ]


def test_a_template_fills_in_what_the_row_leaves_empty_and_others_are_refused(upload, templates, domain):
    batch = upload(
        "address,sjabloon,room,language\na,EMPLOYEE,,\nb,Employee,2 GB,fr\nc,team ü,,\nd,,,\ne,Boss,,\n"
    )
    assert wanted(batch) == [
        ("Employee", 5, "nl"),
        ("Employee", 2, "fr"),
        ("Team Ü", 1, "en"),
        (None, 1, "en"),
        "There is no template “Boss”. There are: Employee, Team Ü",
    ]


def test_rows_that_name_none_get_the_one_chosen_beside_the_file(upload, templates, domain):
    batch = upload("address,template\na,\nb,-\nc,Team Ü\n", template=templates[0].pk)
    assert wanted(batch) == [("Employee", 5, "nl"), (None, 1, "en"), ("Team Ü", 1, "en")]


def test_a_domain_without_templates_says_so(upload, domain):
    assert "the domain has none" in wanted(upload("address,template\na,Boss\n"))[0]


def test_a_template_counts_for_new_mailboxes_alone(upload, templates, mailbox):
    assert [row.verdict for row in upload("address,template\nanna,Employee\n").rows.all()] == ["unchanged"]


def test_a_template_that_does_not_fit_into_the_domain_is_refused(upload, templates, domain):
    domain.max_quota_bytes = 6 * GB
    domain.save()
    batch = upload("address,template\na,Employee\nb,Employee\n")
    assert [row.verdict for row in batch.rows.all()] == ["new", "refused"]


def test_carried_out_they_have_their_auto_replies(upload, templates, domain, webmaster):
    batch = upload("address,name,template\na,Ann,Team Ü\nb,,Team Ü\nc,Carl,Employee\n")
    services.begin(batch, by=webmaster, announce=lambda number: None)
    services.work(batch.pk)
    replies = AutoReply.objects.order_by("mailbox__address").values_list(
        "mailbox__address", "enabled", "text"
    )
    # Without a name something is still to be filled in.
    assert list(replies) == [
        ("a@example.test", True, "Thanks, Ann."),
        ("b@example.test", False, "Thanks, {name}."),
    ]
    assert Mailbox.objects.get(login="example0003").quota_bytes == 5 * GB
    made = Event.objects.filter(verb="mailbox.created").order_by("number")
    assert [event.after.get("template") for event in made] == ["Team Ü", "Team Ü", "Employee"]
