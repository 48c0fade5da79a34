import io

import pytest
from django.db import IntegrityError, transaction
from PIL import Image

from audit.models import Event
from branding import colours
from branding.looks import look_of, webmail_of
from branding.models import Brand
from tests.conftest import step_up

DOMAINS = "/domains/example.test/branding/"
GOOD = {
    "name": "Brouwerij",
    "accent": "#2e7d32",
    "support_email": "help@example.test",
    "support_phone": "+32 2 123 45 67",
    "webmail_url": "https://mail.example.test/",
}


def picture(kind="PNG", size=(600, 200)) -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", size, "#2e7d32").save(file, kind)
    file.seek(0)
    file.name = "logo"
    return file


def text(answer) -> str:
    return answer.content.decode()


def test_a_domains_brand_is_what_its_people_see(client, mailbox, webmaster):
    client.force_login(webmaster)
    step_up(client)
    assert client.post(DOMAINS, GOOD | {"picture": picture()}).status_code == 302
    client.force_login(mailbox.owner)
    session = client.session
    session["own_domain"] = mailbox.domain_id
    session.save()
    page = text(client.get("/mailboxes/anna@example.test/"))
    assert "Brouwerij" in page
    assert "help@example.test" in page
    assert "/branding/example.test/colours.css?v=" in page
    assert "/branding/example.test/logo.png?v=" in page
    assert "--accent: #2e7d32;" in text(client.get("/branding/example.test/colours.css"))
    logo = client.get("/branding/example.test/logo.png")
    assert logo.headers["Content-Type"] == "image/png"
    with Image.open(io.BytesIO(logo.content)) as shown:
        assert (shown.format, shown.size) == ("PNG", (384, 128))
    assert Event.objects.get(verb="brand.saved").after["name"] == "Brouwerij"


@pytest.mark.sql
def test_others_see_the_hosters_and_what_is_empty_comes_from_there(client, domain, other_domain, operator):
    client.force_login(operator)
    step_up(client)
    client.post("/branding/", GOOD | {"name": "all2all"})
    client.post(DOMAINS, {"name": "Brouwerij"})
    client.logout()
    page = text(client.get("/sign-in/"))
    assert "all2all" in page
    assert "help@example.test" in page
    assert look_of(domain.pk).name == "Brouwerij"
    assert look_of(domain.pk).support_email == "help@example.test"
    assert look_of(other_domain.pk).name == "all2all"
    assert webmail_of(domain.pk, "https://server.test/webmail") == "https://server.test/webmail"
    assert webmail_of(domain.pk, "") == "https://mail.example.test/"


@pytest.mark.sql
def test_the_hoster_and_each_domain_have_one_brand(domain):
    for owner in (None, domain):
        Brand.objects.create(domain=owner)
        with pytest.raises(IntegrityError), transaction.atomic():
            Brand.objects.create(domain=owner)


def test_whoever_still_owes_the_second_factor_sees_the_look_and_the_help_too(client, operator):
    Brand.objects.create(accent="#2e7d32")
    operator.set_password("a long enough one")
    operator.save()
    client.post("/sign-in/", {"username": "olga", "password": "a long enough one"})
    assert client.get("/domains/").status_code == 302
    assert client.get("/branding/hoster/colours.css").status_code == 200
    assert client.get("/help/passwords/").status_code == 200


def test_without_any_the_portal_is_itself(client, db):
    assert "Mail portal" in text(client.get("/sign-in/"))
    assert client.get("/branding/hoster/colours.css").status_code == 404
    assert client.get("/branding/../logo.png").status_code == 404


def test_a_colour_on_which_white_is_hard_to_read_is_refused_with_one_that_would_do(client, webmaster):
    client.force_login(webmaster)
    step_up(client)
    page = text(client.post(DOMAINS, GOOD | {"accent": "#ffcc00"}))
    assert "White text is hard to read on #ffcc00: the contrast is 1.5 to 1" in page
    better = colours.written(colours.readable(colours.parse("#ffcc00")))
    assert better in page
    assert 'value="Brouwerij"' in page
    assert client.post(DOMAINS, GOOD | {"accent": better}).status_code == 302


@pytest.mark.parametrize(
    "wrong",
    [
        {"accent": "red"},
        {"accent": "#2e7d32; } body { display: none"},
        {"webmail_url": "http://mail.example.test/"},
        {"webmail_url": "javascript:alert(1)"},
        {"support_email": "help"},
        {"name": "x" * 61},
        {"name": "a\nb"},
    ],
)
def test_what_can_not_be_is_refused(client, webmaster, wrong):
    client.force_login(webmaster)
    step_up(client)
    assert "Please mend this first" in text(client.post(DOMAINS, GOOD | wrong))
    assert not Brand.objects.exists()


def test_pictures_that_are_none_are_refused(client, webmaster):
    client.force_login(webmaster)
    step_up(client)
    svg = io.BytesIO(b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>')
    svg.name = "logo.png"
    cut = io.BytesIO(picture().getvalue()[:200])
    cut.name = "logo.png"
    large = picture()
    large.write(b"\0" * 600_000)
    large.seek(0)
    for file in (svg, cut, picture("GIF"), picture(size=(5000, 4000)), large):
        answer = client.post(DOMAINS, GOOD | {"picture": file})
        page = text(answer)
        assert "not a PNG, JPEG or WebP" in page or "too large" in page
    assert not Brand.objects.exists()


@pytest.mark.sql
def test_a_logo_can_be_taken_away(client, webmaster):
    client.force_login(webmaster)
    step_up(client)
    client.post(DOMAINS, GOOD | {"picture": picture("JPEG")})
    assert client.get("/branding/example.test/logo.png").status_code == 200
    client.post(DOMAINS, GOOD)
    assert client.get("/branding/example.test/logo.png").status_code == 200
    client.post(DOMAINS, GOOD | {"remove_logo": "on"})
    assert client.get("/branding/example.test/logo.png").status_code == 404


def test_every_colour_can_be_made_readable():
    for colour in ((255, 255, 255), (255, 204, 0), (0, 0, 0), (47, 85, 184), (0, 255, 255)):
        assert colours.contrast(colours.readable(colour), colours.WHITE) >= 4.5
    assert colours.contrast((0, 0, 0), colours.WHITE) == 21
    assert colours.readable((47, 85, 184)) == (47, 85, 184)
