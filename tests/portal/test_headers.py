"""What every answer says to browsers and proxies beside its page (OWASP ASVS 5.0, 3.3, 3.4 and 14.3)."""

import os
import subprocess
import sys

import httpx
import pytest
from django.urls import reverse

from branding.models import Brand
from demo.world import CHECKOUT
from fleet.ports import reserve_port
from fleet.processes import ChildProcess

PRIVATE = ["home", "accounts:list-domains", "accounts:show-account", "guide:list-pages"]


@pytest.mark.parametrize("name", PRIVATE)
def test_a_page_behind_a_sign_in_is_kept_nowhere(client, webmaster, name):
    client.force_login(webmaster)
    assert "no-store" in client.get(reverse(name))["Cache-Control"]


def test_a_page_that_is_not_found_is_kept_nowhere_either(client, webmaster):
    client.force_login(webmaster)
    assert "no-store" in client.get("/mailboxes/nobody@example.test/")["Cache-Control"]


def test_what_is_the_same_for_everybody_may_be_kept(client, db):
    Brand.objects.create(accent="#2e7d32")
    assert "max-age" in client.get(reverse("branding:colours", args=["hoster"]))["Cache-Control"]


def test_signing_out_empties_the_browsers_memory_of_pages(client, webmaster):
    client.force_login(webmaster)
    assert client.post(reverse("accounts:sign-out"))["Clear-Site-Data"] == '"cache", "storage"'


def test_head_is_answered_with_the_length_and_without_the_page(client, db):
    answer = client.head(reverse("accounts:sign-in"))
    assert (answer.content, int(answer["Content-Length"]) > 1000) == (b"", True)


@pytest.fixture
def web(tmp_path):
    address = f"http://127.0.0.1:{reserve_port()}"
    process = ChildProcess(
        "gunicorn",
        [sys.executable, "-m", "gunicorn", f"--bind={address[7:]}", "--threads=2", "portal.wsgi"],
        tmp_path / "web.log",
        env=os.environ,
        cwd=CHECKOUT,
    )
    process.start(lambda: answers(address))
    yield address
    process.stop()


def answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/live").is_success
    except httpx.TransportError:
        return False


def test_two_requests_on_one_connection_are_answered_one_after_the_other(web):
    with httpx.Client(base_url=web) as browser:
        assert browser.head("/health/live").status_code == 200
        assert browser.get("/health/live").text == "ok"


def production(**variables: str) -> str:
    """What the settings are where it counts."""
    environment = os.environ | {
        "PORTAL_MODE": "production",
        "PORTAL_SECURE_COOKIES": "on",
        "PORTAL_PUBLIC_URL": "https://portal.example.org",
        "PORTAL_SECRET_KEY": "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
    }
    script = (
        "from django.conf import settings as s; print(s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME,"
        " s.LANGUAGE_COOKIE_NAME, s.KNOWN_DEVICE_COOKIE_NAME, s.SECURE_HSTS_INCLUDE_SUBDOMAINS)"
    )
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, env=environment | variables, capture_output=True, text=True, check=True
    ).stdout


def test_no_other_host_of_the_domain_can_plant_a_cookie():
    *names, subdomains = production().split()
    assert ([name for name in names if not name.startswith("__Host-")], subdomains) == ([], "True")
