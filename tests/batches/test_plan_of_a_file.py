"""What a file would do: told row by row, with how to mend what can't be done."""

import pytest

from accounts.alias_leads import leading_only_to
from accounts.aliases import create_alias
from accounts.lifecycle import delete_mailbox
from accounts.models import GivenLogin, Mailbox
from batches.models import Batch


def told(batch: Batch) -> list[tuple[int, str, str, str]]:
    return [(row.number, row.address, row.verdict, row.problem_text) for row in batch.rows.all()]


def test_new_changed_and_unchanged_mailboxes_are_told_apart_and_nothing_is_changed_yet(upload, mailbox):
    batch = upload("address,name\nanna@example.test,Anna Peeters\nbert,Bert\nanna2,\n")
    assert [(number, address, verdict) for number, address, verdict, _ in told(batch)] == [
        (2, "anna@example.test", "changed"),
        (3, "bert@example.test", "new"),
        (4, "anna2@example.test", "new"),
    ]
    row = batch.rows.get(number=2)
    assert (row.seen, row.wanted) == ({"name": "Anna Jansen"}, {"name": "Anna Peeters"})
    mailbox.refresh_from_db()
    assert mailbox.name == "Anna Jansen"
    assert mailbox.domain.mailboxes.count() == 1


def test_the_domains_limit_counts_over_the_whole_plan(upload, domain, mailbox):
    domain.max_mailboxes = 3
    domain.save()
    batch = upload("address\n" + "".join(f"new{number}\n" for number in range(4)))
    assert [verdict for _, _, verdict, _ in told(batch)] == ["new", "new", "refused", "refused"]
    assert told(batch)[-1][3] == "The domain may have 3 mailboxes."


def test_a_mailbox_that_the_file_deletes_first_makes_place(upload, domain, mailbox):
    domain.max_mailboxes = 1
    domain.save()
    batch = upload("address;action\nanna;delete\nbert;\n")
    assert [verdict for _, _, verdict, _ in told(batch)] == ["deleted", "new"]


def test_the_domains_room_counts_over_the_whole_plan(upload, domain):
    domain.max_quota_bytes = 3 * 1024**3
    domain.save()
    batch = upload("address;room\na;1 GB\nb;1.5 GB\nc;1 GB\nd;500 MB\n")
    assert [row.verdict for row in batch.rows.all()] == ["new", "new", "refused", "new"]
    assert "512\N{NO-BREAK SPACE}MB too little room" in batch.rows.get(number=4).problem_text


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("", "It has no address."),
        ("bert@elsewhere.test", "This address is not in example.test."),
        ("b rt", "No blanks, no accents."),
        ("bért", "“é” is not one of the letters a to z"),
        ("аnna", "though it may look like one"),
        ("Bert@EXAMPLE.test", ""),
        ("postmaster", "is no ordinary address"),
        ("=1+1", "holds a formula"),
        ("bert,=HYPERLINK(1)", "The column “name” holds a formula here."),
        ("bert,,0", "0 is no room for mail."),
        ("bert,,-5 GB", "Write a number and a unit"),
        ("bert,,1000", "Say which unit is meant"),
        ('bert,,"1,5 GB"', ""),
        ("bert,,no limit", ""),
        ("bert,,,not-an-address", "“not-an-address” is not a mail address"),
        ("bert,,,BERT@example.test", "is the mailbox itself"),
        ("bert,,,,perhaps", "must be yes or no, not “perhaps”"),
        ("bert,,,,,,,,,perhaps", "Whether sending is allowed must be yes or no, not “perhaps”"),
        ("bert,,,,,,,,,ja,nee", ""),
        ("bert,,,,,latin", "must be en, nl, fr or de"),
        ("bert,,,,,,explode", "“explode” is no action"),
        ("bert,,,,,,delete", "There is no such mailbox."),
        ("bert,,,,,,,two words", "A login is made of"),
        ("bert,,,,,,,example0001", "The login example0001 is not free, or was somebody"),
        ("bert,,,,,,,,hunter2", "A password is no hash."),
        ("bert,,,,,,,,{PLAIN}hunter2", "A password is no hash."),
        ('bert,"a ""quoted"" <b>name</b>"', ""),
        (f"bert,{'x' * 201}", "more than 200 characters"),
        ("bert,a,b,c,d,e,f,g,h,i,j,k,l", "more cells than there are columns"),
    ],
)
def test_a_row_that_can_not_be_done_says_how_to_mend_it(upload, mailbox, row, says):
    titles = (
        "address,name,room,recovery address,signing in,language,action,login,password hash,sending,receiving"
    )
    batch = upload(f"{titles}\n{row or ',x'}\n")
    [row] = batch.rows.all()
    assert (row.verdict == "refused") == bool(says), row.problem_text
    assert says in row.problem_text
    assert "hunter2" not in str(row.__dict__)


def test_the_same_address_in_other_letters_is_refused_the_second_time(upload):
    batch = upload("address\nbert\nBERT@Example.Test\n")
    assert told(batch)[1] == (3, "bert@example.test", "refused", "Row 2 has the same address already.")


def test_proposed_logins_avoid_those_that_the_file_asks_for(upload, mailbox):
    batch = upload("address,login\na,\nb,example0002\nc,\nd,example0002\n")
    rows = list(batch.rows.all())
    assert [row.wanted.get("login") for row in rows] == ["example0003", "example0002", "example0004", None]
    assert rows[3].problem_text == "Row 3 gets the login example0002 already."


def test_a_mailbox_that_is_there_keeps_its_login_and_its_password(upload, mailbox):
    batch = upload(
        "address,login,hash\nanna,other1,\nanna@example.test,,{SHA512-CRYPT}$6$abc$def\nanna,EXAMPLE0001,\n"
    )
    rows = [row.problem_text for row in batch.rows.all()]
    assert "can't be changed" in rows[0]
    assert "Row 2 has the same address" in rows[1]


def test_who_gives_an_export_back_changes_nothing(upload, mailbox):
    # 953.7 MB in words, which is not what it has.
    batch = upload("address,name,room,login\nanna@example.test,Anna Jansen,953.7 MB,example0001\n")
    assert batch.rows.get().verdict == "unchanged"


def test_a_mailbox_deleted_lately_keeps_its_address(upload, mailbox, webmaster):
    delete_mailbox(mailbox, by=webmaster)
    row = upload("address\nanna\n").rows.get()
    assert "A deleted mailbox keeps this address until" in row.problem_text


def test_a_mailbox_that_an_alias_leads_to_alone_is_not_deleted_among_many(upload, mailbox, domain, webmaster):
    create_alias(domain, "info@example.test", [mailbox.address], by=webmaster)
    row = upload("address,action\nanna,delete\n").rows.get()
    assert "Nobody would be left to read mail to info@example.test" in row.problem_text


def test_an_empty_cell_leaves_and_a_minus_empties(upload, mailbox):
    mailbox.recovery_address = "anna@home.test"
    mailbox.save()
    batch = upload("address,name,recovery address\nanna,,-\n")
    assert batch.rows.get().wanted == {"recovery_address": ""}


def test_a_link_needs_a_recovery_address(upload, mailbox):
    batch = upload("address,action\nanna,link\n")
    assert "no recovery address" in batch.rows.get().problem_text


def test_a_login_that_somebody_had_is_refused_and_none_is_proposed_twice(upload, server, domain):
    GivenLogin.objects.create(server=server, login="intern01")
    GivenLogin.objects.create(server=server, login="example0004")
    rows = list(upload("address,login\na,intern01\nb,\nc+tag,\n").rows.all())
    assert rows[0].problem_text.startswith("The login intern01 is not free, or was somebody's before.")
    assert rows[1].wanted["login"] == "example0005"
    assert "is a tag" in rows[2].problem_text


def test_a_mailbox_with_a_tag_that_is_there_can_still_be_changed(upload, domain):
    Mailbox.objects.create(
        address="c+tag@example.test", domain=domain, server=domain.server, login="c", quota_bytes=1
    )
    [row] = upload("address,name\nc+tag,Carla\n").rows.all()
    assert row.verdict == "changed"


def test_the_last_reader_of_an_alias_stays_counted_over_the_whole_file(upload, mailbox, domain, webmaster):
    berta = another(domain, "berta")
    create_alias(domain, "postmaster@example.test", [mailbox.address, berta.address], by=webmaster)
    batch = upload("address,action\nanna,delete\nberta,delete\n")
    assert [row.verdict for row in batch.rows.order_by("number")] == ["deleted", "refused"]
    assert "Nobody would be left to read mail to postmaster@example.test" in batch.rows.last().problem_text


def test_who_takes_no_mail_is_no_reader(upload, mailbox, domain, webmaster):
    berta = another(domain, "berta", receives=False)
    create_alias(domain, "postmaster@example.test", [mailbox.address, berta.address], by=webmaster)
    assert upload("address,action\nanna,delete\n").rows.get().verdict == "refused"


def test_an_alias_that_leads_to_one_that_would_go_is_counted_as_well(upload, mailbox, domain, webmaster):
    create_alias(domain, "info@example.test", [mailbox.address], by=webmaster)
    create_alias(domain, "abuse@example.test", ["info@example.test"], by=webmaster)
    assert leading_only_to(mailbox.address, webmaster) == ["abuse@example.test", "info@example.test"]


def another(domain, name: str, **fields) -> Mailbox:
    return Mailbox.objects.create(
        address=f"{name}@{domain.name}",
        domain=domain,
        server=domain.server,
        login=name,
        quota_bytes=0,
        **fields,
    )
