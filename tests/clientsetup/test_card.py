import re
from urllib.parse import quote

import pytest
from django.template.loader import render_to_string
from django.utils.translation import override

from accounts.models import Mailbox
from accounts.qr import qr_picture
from audit.models import Event
from clientsetup.instructions import instructions_of
from clientsetup.models import SetupLink
from clientsetup.sheet_files import OwnFiles
from clientsetup.sheets import laid_out

URL = "/mailboxes/anna@example.test/set-up/"
HOST = "maximusconfessor.all2all.test"


def page(answer) -> str:
    return answer.content.decode()


def test_the_card_tells_what_the_manual_told_for_this_mailbox(client, mailbox):
    client.force_login(mailbox.owner)
    text = page(client.get(URL))
    for told in (HOST, "993", "995", "465", "example0001", f"https://{HOST}/webmail", "12\xa0MB"):
        assert told in text
    assert "not STARTTLS" in text
    for program in ("Thunderbird", "Outlook (new)", "Outlook (classic)", "Apple Mail", "iPhone", "Android"):
        assert program in text


def test_each_mailbox_is_told_its_own_server(client, stranger, webmaster, other_domain, server):
    other_domain.server.pk, other_domain.server.name = None, "vonmuenchhausen"
    other_domain.server.imap_host = "vonmuenchhausen.all2all.test"
    other_domain.server.save()
    Mailbox.objects.update(server=other_domain.server)
    client.force_login(stranger)
    assert "vonmuenchhausen.all2all.test" in page(client.get("/mailboxes/bert@elsewhere.test/set-up/"))


def test_where_nothing_is_filled_in_the_page_says_whom_to_ask(client, mailbox, server):
    server.imap_host = server.pop3_host = ""
    server.save()
    client.force_login(mailbox.owner)
    assert "The settings are not known yet" in page(client.get(URL))
    assert client.get(f"{URL}sheet/").status_code == 200


def test_the_sheet_and_the_pdf_hold_the_same_and_no_password(client, mailbox):
    client.force_login(mailbox.owner)
    sheet = page(client.get(f"{URL}sheet/"))
    assert HOST in sheet
    assert "example0001" in sheet
    answer = client.get(f"{URL}pdf/")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="anna-at-example-test.pdf"'
    assert answer.content.startswith(b"%PDF-")
    assert mailbox.password_hash not in sheet


def test_the_sheet_loads_nothing_from_elsewhere(settings):
    for url in ("https://example.test/x.css", "file:///etc/passwd", f"file://{settings.BASE_DIR}/manage.py"):
        with pytest.raises(ValueError, match="nothing from elsewhere"):
            OwnFiles().fetch(url)


def test_a_name_with_markup_is_text_on_every_face(client, mailbox):
    Mailbox.objects.update(name='<img src="https://evil.test/x">')
    client.force_login(mailbox.owner)
    for path in (URL, f"{URL}sheet/"):
        assert '<img src="https://evil' not in page(client.get(path))
    assert client.get(f"{URL}pdf/").content.startswith(b"%PDF-")


def code_in(text):
    [code] = set(re.findall(r"/set-up/#([\w-]{43})", text))
    return code


@pytest.mark.sql
def test_a_link_shows_the_set_up_once_to_whoever_has_it(client, mailbox, webmaster):
    client.force_login(webmaster)
    answer = client.post(f"{URL}link/")
    code = code_in(page(answer))
    assert "data:image/svg+xml" in page(answer)
    assert code not in SetupLink.objects.get().code_hash
    client.logout()
    before = page(client.post("/set-up/", {"code": code}))
    assert "example0001" not in before
    client.post("/set-up/", {"code": code})  # a program that looks at links beforehand uses none up
    client.post("/set-up/", {"code": code, "pressed": "yes"})
    assert "example0001" in page(client.get("/set-up/opened/"))
    assert client.get("/set-up/profile/").headers["Content-Type"] == "application/x-apple-aspen-config"
    client.logout()
    assert client.post("/set-up/", {"code": code, "pressed": "yes"}).status_code == 404
    assert client.post("/set-up/", {"code": code}).status_code == 404
    verbs = list(Event.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs[-2:] == ["setup_link.made", "setup_link.opened"]


@pytest.mark.sql
def test_a_link_is_over_when_time_is_up_the_password_changed_or_the_mailbox_is_gone(client, mailbox):
    client.force_login(mailbox.owner)
    for change in (
        lambda: SetupLink.objects.update(expires_at="2020-02-29T12:00Z"),
        lambda: Mailbox.objects.update(password_changed_at="2026-02-02T12:00Z"),
        lambda: Mailbox.objects.update(enabled=False),
    ):
        code = code_in(page(client.post(f"{URL}link/")))
        change()
        assert client.post("/set-up/", {"code": code, "pressed": "yes"}).status_code == 404


def test_what_was_opened_is_closed_after_half_an_hour(client, mailbox):
    client.force_login(mailbox.owner)
    code = code_in(page(client.post(f"{URL}link/")))
    client.logout()
    client.post("/set-up/", {"code": code, "pressed": "yes"})
    session = client.session
    session["opened_set_up"] = [mailbox.pk, 1.0]
    session.save()
    assert client.get("/set-up/opened/").status_code == 404


@pytest.mark.parametrize("code", ["", "x", "x" * 10_000, "../.."])
def test_a_made_up_code_opens_nothing(client, db, code):
    assert client.post("/set-up/", {"code": code, "pressed": "yes"}).status_code == 404
    assert client.post("/set-up/", {"code": code}).status_code == 404


def test_support_reads_the_card_and_makes_no_links(client, mailbox, support, looked_up):
    client.force_login(support)
    assert "show a QR code" not in page(client.get(URL))
    assert client.post(f"{URL}link/").status_code == 404
    assert client.post(f"{URL}pdf/").status_code == 404
    assert not SetupLink.objects.exists()


@pytest.mark.parametrize("language", ["en", "nl", "fr", "de"])
def test_the_sheet_is_one_page_in_every_language_even_with_the_code(mailbox, language):
    brand = {"name": "Brouwerij", "has_support": True, "support_email": "help@example.test"}
    logo = "data:image/svg+xml," + quote('<svg xmlns="http://www.w3.org/2000/svg" width="300" height="80"/>')
    told = {
        "mailbox": mailbox,
        "told": instructions_of(mailbox.server),
        "qr": qr_picture("x" * 100),
        "brand": brand,
        "logo": logo,
    }
    with override(language):
        assert len(laid_out(render_to_string("clientsetup/sheet_pdf.html", told)).pages) == 1


def test_a_pdf_with_a_code_makes_a_link(client, mailbox, webmaster):
    client.force_login(webmaster)
    pdf = client.post(f"{URL}pdf/").content
    assert pdf.startswith(b"%PDF-")
    assert SetupLink.objects.count() == 1
