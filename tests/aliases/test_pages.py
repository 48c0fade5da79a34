"""Pages about aliases, as webmasters, support and mailbox users see them."""

import pytest
from django.test import Client
from django.utils import timezone

from accounts import aliases as service
from accounts.models import Alias, Domain, DomainAdmin, Mailbox
from audit.models import Event
from mailservers import drift
from mailservers.drivers.base import AliasState, Limits
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import ALIAS, Change, Observation
from vacation.models import DomainRules, Forwarding, Outside

LIST = "/domains/example.test/aliases/"
NEW = f"{LIST}new/"
CATCH_ALL = "/domains/example.test/catch-all/"
INFO = "/aliases/info@example.test/"


@pytest.fixture(autouse=True)
def _just_proved_who_they_are(monkeypatch) -> None:
    monkeypatch.setattr("accounts.stepping_up.has_stepped_up", lambda request: True)


@pytest.fixture
def page(client: Client, webmaster, mailbox) -> Client:
    client.force_login(webmaster)
    return client


@pytest.fixture
def bert(domain) -> Mailbox:
    return Mailbox.objects.create(
        address="bert@example.test", domain=domain, server=domain.server, login="example0002", quota_bytes=0
    )


@pytest.fixture
def info(mailbox, webmaster) -> Alias:
    return service.create_alias(mailbox.domain, "info@example.test", [mailbox.address], by=webmaster)


def post(page, committed, path, **fields) -> str:
    with committed():
        answer = page.post(path, {"version": "0", **fields}, follow=True)
    assert answer.status_code == 200
    return str(answer.content.decode())


def targets(address: str = "info@example.test") -> list[str]:
    return Alias.objects.alive().get(address=address).addresses()


def test_an_alias_is_made_of_names_and_addresses_as_people_type_them(page, committed, bert):
    shown = post(
        page,
        committed,
        NEW,
        local_part="Info@Example.test",
        targets='anna\n"Boss" <Boss@Bücher.example>, bert+x',
    )
    assert "info@example.test is made" in shown
    assert targets() == ["anna@example.test", "bert+x@example.test", "boss@xn--bcher-kva.example"]
    assert MemoryDriver.known_aliases["info@example.test"].targets == tuple(targets())
    listed = page.get(LIST).content.decode()
    assert 'data-state="live"' in listed
    assert "boss@xn--bcher-kva.example" in listed


@pytest.mark.parametrize(
    ("local_part", "typed", "words"),
    [
        ("", "anna", "This field is required."),
        ("info", "", "This field is required."),
        ("info", "anna@", "is not a mail address"),
        ("info", "|/bin/sh", "is not a mail address"),
        ("info", "|/bin/sh@elsewhere.test", "is not a mail address"),
        ("info", "*@elsewhere.test", "is not a mail address"),
        ("info", "/var/mail/x@elsewhere.test", "is not a mail address"),
        ("info", "anna, anna+work", "which would get each mail more than once: anna@"),
        ("info", "nobody@elsewhere.test", "knows no mailbox and no alias nobody@elsewhere.test"),
        ("info", "nobody", "There is no mailbox and no alias nobody@example.test."),
        ("info", "info@example.test", "is this alias itself"),
        ("info", "a@gmial.com", "Did you mean a@gmail.com?"),
        ("info", ",".join(f"a{n}@x.test" for n in range(51)), "These are 51 addresses."),
        ("anna", "bert", "There is a mailbox with this address."),
        ("ANNA", "bert", "There is a mailbox with this address."),
        ("аnna", "bert", "though it may look like one"),
        ("a+b", "anna", "What follows a + is a tag"),
        ("a b", "anna", "No blanks"),
        ("taken", "anna", "There is an alias with this address already."),
        ("info", "lost@elsewhere.test", "would come back here"),
    ],
)
def test_what_cannot_be_is_said_and_what_was_typed_stays(
    page, committed, webmaster, domain, other_domain, bert, local_part, typed, words
):
    DomainAdmin.objects.create(person=webmaster, domain=other_domain)
    service.create_alias(domain, "taken@example.test", ["x@x.test"], by=webmaster)
    service.create_alias(other_domain, "lost@elsewhere.test", ["info@example.test"], by=webmaster)
    shown = post(page, committed, NEW, local_part=local_part, targets=typed)
    assert words in shown
    assert not Alias.objects.alive().filter(address="info@example.test").exists()
    if typed == "a@gmial.com":
        post(page, committed, NEW, local_part=local_part, targets=typed, doubted=typed)
        assert targets() == [typed]


def test_a_forwarding_that_leads_back_is_a_loop(page, committed, mailbox):
    forwarding = Forwarding.objects.create(mailbox=mailbox, enabled=True)
    forwarding.targets.create(address="info@example.test")
    shown = post(page, committed, NEW, local_part="info", targets="anna")
    assert "info@example.test → anna@example.test → info@example.test" in shown


def test_the_domains_rules_hold_for_aliases_too(page, committed, domain, bert):
    rules = DomainRules.objects.create(domain=domain, outside=Outside.INSIDE)
    assert "may only go to its own addresses" in post(
        page, committed, NEW, local_part="info", targets="a@x.test"
    )
    rules.outside, rules.allow_list = Outside.LISTED, ["x.test"]
    rules.save()
    post(page, committed, NEW, local_part="info", targets="a@x.test")
    assert targets() == ["a@x.test"]
    assert "is not allowed" in post(page, committed, INFO, targets="a@y.test", version="1")


def test_an_address_outside_asks_for_the_password_first(page, committed, monkeypatch):
    monkeypatch.setattr("accounts.stepping_up.has_stepped_up", lambda request: False)
    shown = post(page, committed, NEW, local_part="info", targets="a@x.test")
    assert 'name="step_up_proof"' in shown
    assert not Alias.objects.alive().exists()


def test_the_later_of_two_tabs_is_told_and_overwrites_nothing_unknowingly(page, committed, info, bert):
    post(page, committed, INFO, targets="bert", version="1")
    shown = post(page, committed, INFO, targets="anna, bert", version="1")
    assert "Somebody else saved this meanwhile" in shown
    assert "replace theirs: bert@example.test" in shown
    assert targets() == ["bert@example.test"]
    post(page, committed, INFO, targets="anna, bert", version="2")
    assert targets() == ["anna@example.test", "bert@example.test"]


def test_a_deleted_alias_can_be_brought_back_on_its_page(page, committed, info):
    shown = post(page, committed, f"{INFO}delete/")
    assert "is deleted. You can undo that below." in shown
    change = info.changes.latest("pk")
    assert f"/changes/{change.pk}/undo/" in page.get(INFO).content.decode()
    post(page, committed, f"/changes/{change.pk}/undo/", next=INFO)
    assert targets() == ["anna@example.test"]


def test_an_alias_that_another_needs_is_not_deleted(page, committed, info, domain, webmaster):
    service.create_alias(domain, "office@example.test", ["info@example.test"], by=webmaster)
    assert "office@example.test leads nowhere else" in post(page, committed, f"{INFO}delete/")
    assert targets() == ["anna@example.test"]


def test_a_protected_name_is_given_away_knowingly_and_stays(page, committed, bert):
    shown = post(page, committed, NEW, local_part="abuse", targets="anna")
    assert "is no ordinary address" in shown
    assert 'name="knows_protected"' in shown
    post(page, committed, NEW, local_part="abuse", targets="anna", knows_protected="on")
    assert targets("abuse@example.test") == ["anna@example.test"]
    shown = post(page, committed, "/aliases/abuse@example.test/delete/")
    assert "Somebody has to read this address" in shown
    post(page, committed, "/aliases/abuse@example.test/", targets="bert", version="1")
    assert targets("abuse@example.test") == ["bert@example.test"]


def test_a_new_mailbox_takes_a_protected_name_knowingly_only(page, committed, domain):
    fields = {"local_part": "postmaster", "login": "example0009", "quota_bytes": "1 GB"}
    path = f"/domains/{domain.name}/new-mailbox/"
    shown = post(page, committed, path, **fields)
    assert 'name="knows_protected"' in shown
    assert "is made" in post(page, committed, path, **fields, knows_protected="on")


def test_names_that_nobody_reads_are_given_in_one_go(page, committed, bert):
    shown = page.get(LIST).content.decode()
    assert "Nobody reads postmaster@example.test, abuse@example.test" in shown
    assert 'value="anna@example.test"' in shown
    assert "There is no mailbox" in post(
        page, committed, "/domains/example.test/protected-names/", targets="x"
    )
    shown = post(page, committed, "/domains/example.test/protected-names/", targets="bert")
    assert "Nobody reads" not in shown
    assert targets("postmaster@example.test") == targets("abuse@example.test") == ["bert@example.test"]


def test_who_refuses_mail_reads_nothing_of_such_a_name(page, domain):
    here = {"domain": domain, "server": domain.server, "quota_bytes": 0}
    Mailbox.objects.create(address="postmaster@example.test", login="pm", receives=False, **here)
    assert "refuses mail: nobody reads it" in page.get("/domains/example.test/aliases/").content.decode()


def test_the_catch_all_warns_and_is_set_and_ended(page, committed):
    assert "people who send spam try names at random" in page.get(CATCH_ALL).content.decode()
    post(page, committed, CATCH_ALL, targets="anna")
    assert MemoryDriver.known_aliases["@example.test"].targets == ("anna@example.test",)
    shown = page.get(LIST).content.decode()
    assert "goes to anna@example.test" in shown
    assert "Nobody reads" not in shown
    assert "whatever else comes to the domain" in page.get("/mailboxes/anna@example.test/").content.decode()
    assert "Somebody else saved this" in post(page, committed, CATCH_ALL, targets="", version="0")
    post(page, committed, CATCH_ALL, targets="", version="1")
    assert MemoryDriver.known_aliases == {}


def test_a_catch_all_that_leads_back_to_itself_is_refused(page, committed, domain, other_domain, webmaster):
    DomainAdmin.objects.create(person=webmaster, domain=other_domain)
    service.create_alias(other_domain, "a@elsewhere.test", ["nobody@example.test"], by=webmaster)
    shown = post(page, committed, CATCH_ALL, targets="a@elsewhere.test")
    assert "would come back here" in shown
    assert "nobody@example.test → @example.test" in shown


def test_the_search_looks_at_both_ends(page, info, domain, webmaster):
    service.create_alias(domain, "sales@example.test", ["boss@outside.test"], by=webmaster)
    for sought, found in (("info", "info@example.test"), ("outside", "sales@example.test")):
        shown = page.get(LIST, {"q": sought}).content.decode()
        assert "1 alias found" in shown
        assert f"/aliases/{found}/" in shown
    assert "Nothing found" in page.get(LIST, {"q": "xyz"}).content.decode()


def test_a_long_list_has_pages_and_asks_no_more_than_a_short_one(
    page, domain, mailbox, django_assert_max_num_queries
):
    rows = [Alias(address=f"a{number:03}@example.test", domain=domain) for number in range(120)]
    for alias in Alias.objects.bulk_create(rows):
        alias.targets.create(address=mailbox.address)
    with django_assert_max_num_queries(14):
        shown = page.get(LIST).content.decode()
    assert "120 aliases" in shown
    assert "a049@example.test" in shown
    assert "a050@example.test" not in shown
    assert "a050@example.test" in page.get(LIST, {"after": "a049@example.test"}).content.decode()


def test_a_mailboxs_user_sees_the_own_addresses_and_no_more(client, owner, info):
    client.force_login(owner, "accounts.backends.PersonBackend")
    shown = client.get("/mailboxes/anna@example.test/").content.decode()
    assert "Also receives mail for" in shown
    assert "info@example.test" in shown
    assert "/aliases/info@example.test/" not in shown


def test_support_looks_and_changes_nothing(client, support, info, looked_up):
    client.force_login(support)
    shown = client.get(INFO).content.decode()
    assert "anna@example.test" in shown
    assert "<textarea" not in shown
    assert "New alias" not in client.get(LIST).content.decode()


def test_a_mailbox_that_aliases_need_is_deleted_knowingly(page, committed, info, bert, mailbox, webmaster):
    service.create_alias(info.domain, "both@example.test", ["anna@example.test", bert.address], by=webmaster)
    path = "/mailboxes/anna@example.test/delete/"
    shown = page.get(path).content.decode()
    assert shown.index("both@example.test") < shown.index("comes to this mailbox alone")
    assert "Nothing was deleted yet." in post(page, committed, path, address=mailbox.address)
    post(page, committed, path, address=mailbox.address, with_aliases="1")
    assert [alias.address for alias in Alias.objects.alive()] == ["both@example.test"]
    assert targets("both@example.test") == ["bert@example.test"]
    assert MemoryDriver.known_aliases["both@example.test"].targets == ("bert@example.test",)


def test_aliases_are_handed_over_before_their_mailbox_goes(page, committed, info, bert, mailbox, webmaster):
    abuse = service.create_alias(info.domain, "abuse@example.test", [mailbox.address], by=webmaster)
    delete, over = (f"/mailboxes/{mailbox.address}/{what}/" for what in ("delete", "hand-over"))
    assert "Nothing was deleted yet." in post(
        page, committed, delete, address=mailbox.address, with_aliases="1"
    )
    assert "is the mailbox that they lead to now" in post(page, committed, over, targets="anna")
    assert "2 aliases lead elsewhere now." in post(page, committed, over, targets="bert")
    assert targets() == targets(abuse.address) == ["bert@example.test"]
    assert "is deleted" in post(page, committed, delete, address=mailbox.address)


def test_what_was_changed_there_is_settled_on_the_list(page, committed, info, domain):
    with committed():
        drift.request_check(domain.server, domain=domain, aspect=ALIAS)
    state = AliasState("info@example.test", ("thief@evil.test",))
    MemoryDriver.known_aliases[state.address] = state
    with committed():
        drift.request_check(domain.server, domain=domain, aspect=ALIAS)
    shown = page.get(LIST).content.decode()
    assert "info@example.test leads to thief@evil.test there, and to anna@example.test here." in shown
    assert "Mail to info@example.test leaves the domain" in shown
    assert "thief@evil.test" in page.get("/domains/").content.decode()
    alarm = info.redirect_alarms.get()
    post(page, committed, f"{INFO}seen/", up_to=alarm.pk)
    post(page, committed, f"{INFO}restore-ours/", seen=Observation.objects.get(alias=info).mark)
    assert MemoryDriver.known_aliases[state.address].targets == ("anna@example.test",)
    assert "leaves the domain" not in page.get(LIST).content.decode()
    assert Event.objects.filter(verb="alias.restored_on_server").exists()


def test_a_server_without_aliases_says_so(page, monkeypatch, info):
    monkeypatch.setattr(MemoryDriver, "limits", Limits(aliases=False, catch_all=False))
    for path in (LIST, NEW, INFO):
        shown = page.get(path).content.decode()
        assert (
            "The portal can&#x27;t set aliases on maximusconfessor" in shown or "can't set aliases" in shown
        )
        assert "<textarea" not in shown


def test_a_domain_has_no_more_aliases_than_its_limit(page, committed, domain, info):
    domain.max_aliases = 1
    domain.save()
    shown = post(page, committed, NEW, local_part="more", targets="anna")
    assert "may have 1 alias, and has it" in shown


def undo(page, committed, address: str = "info@example.test") -> str:
    change = Change.objects.newest_of(Alias.objects.get(address=address).pk, ALIAS)
    assert change is not None
    return post(page, committed, f"/changes/{change.pk}/undo/", next=f"/aliases/{address}/")


def test_undoing_asks_the_domains_rules_as_they_are_now(page, committed, domain, info, bert):
    post(page, committed, INFO, targets="x@outside.test", version="1")
    post(page, committed, INFO, targets="bert", version="2")
    DomainRules.objects.update_or_create(domain=domain, defaults={"outside": Outside.INSIDE})
    assert "may only go to its own addresses" in undo(page, committed)
    assert targets() == [bert.address]


def test_undoing_leads_to_no_mailbox_that_is_gone_and_past_no_limit(page, committed, domain, info, bert):
    post(page, committed, INFO, targets="bert", version="1")
    post(page, committed, f"{INFO}delete/")
    Domain.objects.filter(pk=domain.pk).update(max_aliases=1)
    service.create_alias(domain, "other@example.test", [bert.address], by=None)
    assert "may have 1 alias" in undo(page, committed)
    Domain.objects.filter(pk=domain.pk).update(max_aliases=0)
    Alias.objects.filter(address="other@example.test").delete()
    Mailbox.objects.filter(pk=bert.pk).update(deleted_at=timezone.now(), purge_after=timezone.now())
    assert "There is no mailbox and no alias bert@example.test" in undo(page, committed)


def test_undoing_takes_no_name_away_that_somebody_has_to_read(page, committed, bert):
    post(page, committed, "/domains/example.test/protected-names/", targets="bert", version="0")
    assert "Somebody has to read this address" in undo(page, committed, "abuse@example.test")


def test_undoing_what_led_outside_asks_for_the_password_first(page, committed, monkeypatch, info, bert):
    post(page, committed, INFO, targets="x@outside.test", version="1")
    post(page, committed, INFO, targets="bert", version="2")
    monkeypatch.setattr("accounts.stepping_up.has_stepped_up", lambda request: False)
    assert "Is it still you?" in undo(page, committed)
    assert targets() == [bert.address]


def test_nobody_learns_of_another_customers_domains_or_mailboxes(page, committed, stranger, other_domain):
    other_domain.name = "atelierduval.test"
    other_domain.save()
    for typed in ("x@atelierdual.test", "bert@atelierduval.test", "nobody@atelierduval.test"):
        shown = post(page, committed, NEW, local_part="info", targets=typed)
        assert "atelierduval.test?" not in shown
        assert "knows no mailbox" not in shown
        Alias.objects.get(address="info@example.test").targets.all().delete()
        Alias.objects.update(deleted_at=timezone.now())
