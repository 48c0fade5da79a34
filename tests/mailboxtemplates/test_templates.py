"""Templates for mailboxes: kept by webmasters, and what a mailbox made with one begins with."""

import pytest
from django.urls import reverse

from accounts.models import Mailbox
from audit.models import Event
from mailboxtemplates.addresses import local_part_from, style_of
from mailboxtemplates.models import MailboxTemplate
from mailservers.models import Change
from vacation.models import AutoReply, ReplyTemplate

GB = 1024**3
LIST, NEW = "/domains/example.test/templates/", "/domains/example.test/new-mailbox/"


@pytest.fixture
def willem(client, webmaster):
    client.force_login(webmaster)
    return client


@pytest.fixture
def thanks(domain):
    return ReplyTemplate.objects.create(domain=domain, title="Thanks", language="en", text="Thanks, {name}.")


@pytest.fixture
def employee(domain, thanks):
    return MailboxTemplate.objects.create(
        domain=domain,
        title="Employee",
        quota_bytes=5 * GB,
        address_style="first.last",
        language="nl",
        reply=thanks,
        reply_on=True,
        note="Since 2026.",
    )


def given(**other):
    """What the form of a template sends."""
    return {"title": "Employee", "quota_bytes": "5 GB", "seen_version": "0"} | other


def typed(template="", **other):
    """What the form of a new mailbox sends."""
    pk = getattr(template, "pk", template)
    return {"name": "Anna Jansen", "login": "example0009", "language": "nl", "template": pk} | other


@pytest.mark.parametrize(
    ("name", "style", "language", "made"),
    [
        ("Anna Jansen", "first.last", "", "anna.jansen"),
        ("Jan van den Berg", "f.last", "", "j.vandenberg"),
        ("Anne-Marie O’Neill", "last.first", "", "oneill.anne-marie"),
        ("José Núñez", "firstlast", "", "josenunez"),
        ("Jürgen Groß", "flast", "de", "jgross"),
        ("Jürgen Groß", "first", "de", "juergen"),
        ("Reception", "first.last", "", "reception"),
        ("Анна Янсен", "first.last", "", ""),
        ("  ' ", "first.last", "", ""),
        ("Anna Jansen", "", "", ""),
    ],
)
def test_addresses_are_made_of_names(name, style, language, made):
    assert local_part_from(name, style, language) == made


def test_a_style_is_read_off_an_address():
    assert style_of("a.jansen", "Anna Jansen", "") == "f.last"
    assert style_of("sales", "Anna Jansen", "") == ""


def test_a_template_is_made_changed_and_deleted_and_the_audit_tells_it(willem, domain, thanks):
    assert "There is no template yet" in willem.get(LIST).content.decode()
    willem.post(f"{LIST}new/", given(reply=thanks.pk, reply_on="on", is_default="on"))
    made = MailboxTemplate.objects.get()
    assert (made.quota_bytes, made.reply, made.reply_on, made.is_default) == (5 * GB, thanks, True, True)
    willem.post(f"/mailbox-templates/{made.pk}/", given(quota_bytes="", seen_version="1", note="Now."))
    made.refresh_from_db()
    assert (made.quota_bytes, made.note, made.is_default) == (None, "Now.", False)
    assert "stay as they are" in willem.get(f"/mailbox-templates/{made.pk}/delete/").content.decode()
    willem.post(f"/mailbox-templates/{made.pk}/delete/")
    assert not MailboxTemplate.objects.exists()
    verbs = Event.objects.order_by("number").values_list("verb", flat=True)
    assert list(verbs) == [f"mailbox_template.{done}" for done in ("made", "changed", "deleted")]


def test_a_domain_without_texts_makes_and_changes_its_templates(willem, domain):
    assert willem.post(f"{LIST}new/", given()).status_code == 302
    employee = MailboxTemplate.objects.get()
    changed = given(title="Guest", seen_version=str(employee.version))
    assert willem.post(f"/mailbox-templates/{employee.pk}/", changed).status_code == 302
    assert MailboxTemplate.objects.get().title == "Guest"


def test_the_default_goes_from_one_to_the_other(willem, employee):
    MailboxTemplate.objects.update(is_default=True)
    willem.post(f"{LIST}new/", given(title="Apprentice", is_default="on"))
    assert MailboxTemplate.objects.get(is_default=True).title == "Apprentice"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"title": "employee"}, "There is a template with this name already."),
        ({"title": "Big", "quota_bytes": "21 GB"}, "The domain may give 20"),
        ({"title": "Big", "quota_bytes": "-1"}, "Write a number and a unit"),
        ({"title": ""}, "This field is required."),
    ],
)
def test_what_does_not_fit_is_told_and_stays(willem, domain, employee, wrong, told):
    domain.max_quota_bytes = 20 * GB
    domain.save()
    answer = willem.post(f"{LIST}new/", given(note="Kept.", **wrong)).content.decode().replace("\xa0", " ")
    assert told in answer
    assert 'value="Kept."' in answer


def test_a_text_with_something_to_fill_in_does_not_answer_from_the_first_day(willem, thanks):
    ReplyTemplate.objects.update(text="Back on {until}.")
    answer = willem.post(f"{LIST}new/", given(reply=thanks.pk, reply_on="on"))
    assert "to be filled in first" in answer.content.decode()


def test_the_later_of_two_saves_is_told_and_replaces_when_it_is_sent_again(willem, employee):
    MailboxTemplate.objects.update(version=3, note="Theirs.")
    page = f"/mailbox-templates/{employee.pk}/"
    answer = willem.post(page, given(note="Mine.", seen_version="2")).content.decode()
    assert "Somebody changed this template" in answer
    assert 'name="seen_version" value="3"' in answer
    assert willem.post(page, given(note="Mine.", seen_version="3")).status_code == 302


def test_a_mailbox_is_the_model_of_a_template(willem, domain, mailbox):
    Mailbox.objects.update(
        address="a.jansen@example.test", name="Anna Jansen", quota_bytes=3 * GB, language="fr"
    )
    initial = willem.get(f"{LIST}new/", {"like": "a.jansen@example.test"}).context["form"].initial
    assert (initial["quota_bytes"], initial["address_style"], initial["language"]) == (3 * GB, "f.last", "fr")


def test_a_name_and_a_click_make_a_mailbox(willem, employee, committed):
    with committed():
        answer = willem.post(NEW, typed(employee, quota_bytes="5 GB"))
    assert answer.headers["Location"] == reverse("accounts:show-mailbox", args=["anna.jansen@example.test"])
    made = Mailbox.objects.get()
    assert (made.quota_bytes, made.language) == (5 * GB, "nl")
    reply = AutoReply.objects.get(mailbox=made)
    assert (reply.enabled, reply.text) == (True, "Thanks, Anna Jansen.")
    assert Event.objects.get(verb="mailbox.created").after["template"] == "Employee"
    assert {change.aspect: change.state for change in Change.objects.all()} == {
        "account": "live",
        "script": "live",
    }


def test_a_reply_without_the_name_it_wants_is_kept_switched_off(willem, employee):
    willem.post(NEW, typed(employee, name="", local_part="anna"))
    reply = AutoReply.objects.get()
    assert (reply.enabled, reply.text) == (False, "Thanks, {name}.")


def test_choosing_a_template_fills_in_and_keeps_what_was_typed(willem, domain, employee):
    other = MailboxTemplate.objects.create(domain=domain, title="Big", quota_bytes=9 * GB)
    # The room is as the first template had it, the name is typed.
    sent = typed(employee, quota_bytes="5 GB", local_part="", choose=other.pk)
    initial = willem.post(NEW, sent).context["form"].initial
    assert (initial["quota_bytes"], initial["name"], initial["template"]) == (9 * GB, "Anna Jansen", other.pk)
    assert "local_part" not in initial
    typed_room = willem.post(NEW, {**sent, "quota_bytes": "7,5 GB"}).context["form"]
    assert typed_room["quota_bytes"].value() == "7,5 GB"
    assert not Mailbox.objects.exists()


def test_choosing_with_nothing_typed_leads_to_a_page_the_browser_can_go_back_to(willem, employee):
    sent = {"template": "0", "language": "en", "quota_bytes": "1 GB", "login": "example0001"}
    answer = willem.post(NEW, {**sent, "choose": employee.pk})
    assert answer.headers["Location"] == f"{NEW}?template={employee.pk}"
    assert willem.post(NEW, {**sent, "choose": "999"}).headers["Location"] == f"{NEW}?template=0"


def test_the_default_is_chosen_by_itself_and_another_one_by_its_link(willem, domain, employee):
    other = MailboxTemplate.objects.create(domain=domain, title="Big", is_default=True)
    assert willem.get(NEW).context["template"] == other
    assert willem.get(NEW, {"template": employee.pk}).context["template"] == employee
    assert willem.get(NEW, {"template": "0"}).context["template"] is None
    assert willem.get(NEW, {"template": "x' OR 1"}).context["template"] is None


def test_a_template_that_does_not_fit_any_more_says_so_when_it_is_used(willem, domain, employee):
    domain.max_quota_bytes = 4 * GB
    domain.save()
    page = willem.get(NEW, {"template": employee.pk}).content.decode().replace("\xa0", " ")
    assert "The template gives 5 GB of room, and the domain has 4 GB left to give." in page
    answer = willem.post(NEW, typed(employee, quota_bytes="5 GB"))
    assert "too little room left" in answer.content.decode()
    assert answer.context["form"]["local_part"].value() == "anna.jansen"


def test_a_name_no_address_can_be_made_of_is_told(willem, employee):
    answer = willem.post(NEW, typed(employee, name="Анна Янсен", quota_bytes="5 GB"))
    assert "No address can be made of this name" in answer.content.decode()


def test_a_template_deleted_meanwhile_is_told_once(willem, employee):
    MailboxTemplate.objects.all().delete()
    answer = willem.post(NEW, typed(employee, local_part="anna"))
    assert "was deleted meanwhile" in answer.content.decode()
    assert 'name="template" value="0"' in answer.content.decode()
    assert willem.post(NEW, typed("0", local_part="anna")).status_code == 302


def test_another_domains_template_is_nothing_here(willem, other_domain):
    theirs = MailboxTemplate.objects.create(domain=other_domain, title="Theirs", quota_bytes=GB)
    assert willem.get(NEW, {"template": theirs.pk}).context["template"] is None
    assert willem.get(f"/mailbox-templates/{theirs.pk}/").status_code == 404


def test_support_reads_the_list_and_is_offered_nothing(client, support, employee):
    client.force_login(support)
    page = client.get(LIST).content.decode()
    assert "Employee" in page
    assert "New mailbox" not in page
