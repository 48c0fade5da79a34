"""What every answer says to browsers and proxies beside its page (OWASP ASVS 5.0, 3.3, 3.4 and 14.3)."""

import os
import subprocess
import sys
from ipaddress import ip_network

import httpx
import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from branding.models import Brand
from demo.world import CHECKOUT
from fleet.ports import reserve_port
from fleet.processes import ChildProcess
from tests.conftest import PASSWORD

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


ANSWERS = [
    "/sign-in/",
    "/no-such-page/",
    "/health/live",
    "/static/portal/portal.js",
    "/branding/hoster/colours.css",
    "/mail/config-v1.1.xml?emailaddress=x@example.test",
]


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_says_what_browsers_may_make_of_it(db, settings, path):
    settings.SECURE_HSTS_SECONDS, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS = 31_536_000, True
    answer = Client().get(path, secure=True)
    policy = answer["Content-Security-Policy"]
    wanted = ["default-src 'none'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"]
    assert [each for each in wanted if each not in policy.split("; ")] == []
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"
    assert "Access-Control-Allow-Origin" not in answer
    assert "charset=utf-8" in answer["Content-Type"].replace('"', "")


def test_what_is_told_on_the_next_page_waits_in_a_cookie_with_such_a_name(client, webmaster):
    client.force_login(webmaster)
    client.post(reverse("accounts:end-session"), {"session": "none"})
    cookies = {name: each for name, each in client.cookies.items() if "messages" in name}
    assert list(cookies) == [settings.MESSAGES_COOKIE_NAME]
    assert cookies[settings.MESSAGES_COOKIE_NAME]["httponly"]


def test_every_cookie_is_hidden_from_scripts_and_from_other_sites(client, mailbox):
    client.post(reverse("accounts:choose-language"), {"language": "nl"})
    client.post(reverse("accounts:sign-in"), {"username": mailbox.address, "password": PASSWORD})
    client.get(reverse("accounts:edit-settings"))
    client.post(reverse("accounts:end-session"), {"session": "none"})
    assert len(client.cookies) == 5
    flags = {
        name: (each["httponly"], each["samesite"], each["path"]) for name, each in client.cookies.items()
    }
    assert {name for name, told in flags.items() if told != (True, "Lax", "/")} == set()


@pytest.mark.parametrize("name", PRIVATE)
def test_signing_out_is_in_sight_on_every_page(client, webmaster, name):
    client.force_login(webmaster)
    page = client.get(reverse(name), follow=True).content.decode()
    assert f'action="{reverse("accounts:sign-out")}"' in page


@pytest.mark.parametrize(
    ("peer", "is_believed"), [("10.0.0.1", True), ("", True), ("192.0.2.1", False), ("nonsense", False)]
)
def test_that_a_request_came_over_https_is_taken_from_a_proxy_alone(db, settings, peer, is_believed):
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/8")]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SECURE_SSL_REDIRECT = True
    answer = Client().get("/sign-in/", REMOTE_ADDR=peer, headers={"X-Forwarded-Proto": "https"})
    assert (answer.status_code == 200) is is_believed


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
        " s.LANGUAGE_COOKIE_NAME, s.KNOWN_DEVICE_COOKIE_NAME, s.MESSAGES_COOKIE_NAME,"
        " s.SECURE_HSTS_INCLUDE_SUBDOMAINS)"
    )
    command = [sys.executable, "-c", script]
    return subprocess.run(
        command, env=environment | variables, capture_output=True, text=True, check=True
    ).stdout


def test_no_other_host_of_the_domain_can_plant_a_cookie():
    *names, subdomains = production().split()
    assert ([name for name in names if not name.startswith("__Host-")], subdomains) == ([], "True")
