"""What the demo's browser makes of a page."""

import httpx
import pytest

from demo.browser import Page

HTML = """<!doctype html><title>A page</title>
<form action="/sign-out/" method="post"><input type="hidden" name="csrfmiddlewaretoken" value="a"></form>
<main>
<span data-state="waiting" data-change="7">Waiting for <b>maximusconfessor</b></span> Settings
<span data-state="live" data-change="3">live</span>
<form method="post">
<input type="hidden" name="csrfmiddlewaretoken" value="b"><input type="hidden" name="version" value="2">
<input type="checkbox" name="enabled" checked><input type="checkbox" name="other">
<input name="subject" value="&quot;Away&quot;">
<select name="days"><option value="1">1</option><option value="7" selected>7</option></select>
<textarea name="text">

Two lines &amp; one empty before.
</textarea>
<button type="submit" name="save">Save</button>
</form>
<a href="/domains/example.test/">example.test</a><script>let x = "not text"</script></main>"""


@pytest.fixture
def page() -> Page:
    request = httpx.Request("GET", "http://127.0.0.1/mailboxes/anna@example.test/auto-reply/")
    return Page(httpx.Response(200, html=HTML, request=request))


def test_a_form_is_found_by_its_controls_and_sends_what_a_browser_would(page):
    form = page.form_with("subject", "text")
    assert form.values == {
        "csrfmiddlewaretoken": "b",
        "version": "2",
        "enabled": "on",
        "subject": '"Away"',
        "days": "7",
        "text": "\nTwo lines & one empty before.\n",
    }
    assert form.names == {*form.values, "other"}


def test_a_form_that_is_not_there_is_told_with_the_page(page):
    with pytest.raises(LookupError, match=r"no form with password\. It says: A page"):
        page.form_with("password")


def test_badges_tell_their_change_and_their_words(page):
    badge = page.badge_of("7")
    assert (badge.state, badge.text) == ("waiting", "Waiting for maximusconfessor")
    assert page.badge_of("3").text == "live"


def test_links_and_text(page):
    assert page.links == ["/domains/example.test/"]
    assert "not text" not in page.text
