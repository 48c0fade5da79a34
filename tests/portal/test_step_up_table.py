"""Every address that takes a POST asks who it is once more, or it is said here why it need not."""

from datetime import timedelta
from typing import cast

import pytest
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts import aliases
from accounts.models import Alias, Mailbox, PasswordRequest
from audit.models import Event
from batches.models import Batch
from mailservers.models import Change
from tests.conftest import PASSWORD
from tests.portal.test_urls import NOT, TABLE
from vacation import forwarding
from vacation.models import Forwarding, ForwardingTarget, SettingRequest

NOBODY_IN = "there is no session yet: it asks for a password, a code or a link's code by itself"
LESS = "it takes rights, access or a change back, and gives none"
READS = "it asks a server, or reads; nothing is changed"
LATER = "a plan: nothing happens before `batches:begin`, which asks"
AGAIN = "it sends or does again what was asked for before, by somebody who was let do it then"
OWN = "how pages look to oneself"
ROOM = "room for mail: nobody gets in by it, and no mail goes elsewhere"
TEXT = "a text, or what a form begins with"
HARMLESS = {
    "accounts:sign-in": NOBODY_IN,
    "accounts:enter-code": NOBODY_IN,
    "accounts:begin-passkey": NOBODY_IN,
    "accounts:begin-passkey-sign-in": NOBODY_IN,
    "accounts:sign-in-with-passkey": NOBODY_IN,
    "accounts:choose-password": NOBODY_IN,
    "accounts:ask-for-password": NOBODY_IN,
    "accounts:confirm-address": NOBODY_IN,
    "accounts:not-me": NOBODY_IN,
    "vacation:answer-forwarding": NOBODY_IN,
    "clientsetup:open-link": NOBODY_IN,
    "accounts:judge-password": READS,
    "accounts:check-server": READS,
    "accounts:compare-server": READS,
    "accounts:check-now": READS,
    "aliases:check-now": READS,
    "accounts:look-up": "support says why they look; it is on record",
    "accounts:look-up-domain": "support says why they look; it is on record",
    "support:say-why": "support says why they look; it is on record",
    "clientsetup:check-settings": READS,
    "clientsetup:show-records": READS,
    "clientsetup:autodiscover-pox": READS,
    "clientsetup:show-link": "the link shows names of servers and no secret, and lets nobody in",
    "clientsetup:download-pdf": "the link on it shows names of servers and no secret, and lets nobody in",
    "quotas:read-again": READS,
    "vacation:prove": "a mail to the mailbox itself",
    "accounts:end-session": LESS,
    "accounts:end-other-sessions": LESS,
    "accounts:sign-out": LESS,
    "accounts:end-app-password": LESS,
    "accounts:end-all-app-passwords": LESS,
    "accounts:end-help": LESS,
    "aliases:delete-alias": LESS,
    "adoption:stop-adoption": LESS,
    "batches:stop": LESS,
    "batches:throw-away": LESS,
    "accounts:edit-settings": OWN,
    "accounts:choose-language": OWN,
    "accounts:create-domain": "an empty domain: its webmasters are invited apart, and that asks",
    "accounts:edit-domain": ROOM,
    "accounts:edit-password-rules": "what others may choose from now on; nobody gets in by it",
    "accounts:acknowledge-redirects": "nothing changes on the server; the event stays",
    "aliases:acknowledge": "nothing changes on the server; the event stays",
    "accounts:pause-server": "the servers' work, for operators; no setting changes by it",
    "accounts:resume-server": "the servers' work, for operators; no setting changes by it",
    "accounts:push-server": AGAIN,
    "accounts:plan-maintenance": "the servers' work, for operators; no setting changes by it",
    "accounts:try-again": AGAIN,
    "accounts:try-failed-again": AGAIN,
    "vacation:ask-again": AGAIN,
    "adoption:list-adoptions": READS,
    "adoption:begin-adoption": "what the server holds already: nobody gets in who does not there",
    "batches:upload": LATER,
    "batches:choose": LATER,
    "mailboxtemplates:create-template": TEXT,
    "mailboxtemplates:edit-template": TEXT,
    "mailboxtemplates:remove-template": TEXT,
    "vacation:edit-reply-templates": TEXT,
    "vacation:order-own-rules": "it answers and sends on what would be, or less; no address is new",
    "vacation:edit-auto-reply": "it answers those who wrote; no mail goes elsewhere",
    "quotas:empty-trash": "what its user deleted already; the page asks by itself",
    "quotas:change-quota": ROOM,
    "quotas:request-quota": ROOM,
    "quotas:change-quotas": ROOM,
    "quotas:edit-rules": ROOM,
    "quotas:decide-request": ROOM,
}  # fmt: skip


def views(resolver=None, namespace=""):
    """Every named url's view: (name, view)."""
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            inner = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from views(entry, inner)
        elif isinstance(entry, URLPattern):
            yield namespace + entry.name, entry.callback


VIEWS = dict(views())
ROWS = cast("dict[str, list[tuple[object, object]]]", TABLE)
TAKES_POST = {name for name, row in ROWS.items() if any(post != NOT for _get, post in row[1:])}
ASKS = {name for name in TAKES_POST if getattr(VIEWS[name], "steps_up", False)}


def test_every_address_that_takes_a_post_asks_or_is_said_to_be_harmless():
    assert sorted(TAKES_POST - ASKS) == sorted(HARMLESS)


def test_only_addresses_that_take_a_post_are_said_to_be_harmless():
    assert set(HARMLESS) <= TAKES_POST


# --- that they do. What is told by POST, and by whom; `%d` is what `numbered` made.

MAILBOX, DOMAIN = "/mailboxes/anna@example.test/", "/domains/example.test/"
PERSON = {"username": "eve", "name": "Eve", "email": "eve@evil.test"}
RULES = {"auto_reply": "self", "forwarding": "self", "outside": "allowed", "allowed": ""}
SENDS_ON = {"enabled": "on", "addresses": "spy@evil.test", "version": "0"}
CASES: dict[str, tuple[str, str, dict[str, str]] | None] = {
    "accounts:change-own-password": None,  # with a second factor only: tests/accounts/test_factor_changes.py
    "accounts:change-password": None,
    "accounts:edit-own-address": ("webmaster", "/account/recovery/", {"recovery_address": "x@evil.test"}),
    "accounts:edit-recovery": ("owner", f"{MAILBOX}recovery/", {"recovery_address": "x@evil.test"}),
    "accounts:download-own-data": ("owner", "/account/data/", {}),
    "accounts:add-authenticator": ("owner", "/account/authenticator/", {}),
    "accounts:add-passkey": ("owner", "/account/passkey/", {}),
    "accounts:begin-adding-passkey": None,  # 409: tests/accounts/test_passkeys.py
    "accounts:step-up": ("owner", "/sign-in/again/", {"next": "/"}),
    "accounts:remove-factor": ("owner", "/account/remove-factor/", {"factor": "x"}),
    "accounts:make-recovery-codes": ("owner", "/account/recovery-codes/", {}),
    "accounts:invite-person": ("operator", "/people/invite/", {**PERSON, "role": "operator"}),
    "accounts:change-rights": ("operator", "/people/willem/rights/", {"role": "support"}),
    "accounts:make-person-link": ("operator", "/people/willem/link/", {}),
    "accounts:disable-person": ("operator", "/people/willem/disable/", {}),
    "accounts:enable-person": ("operator", "/people/willem/enable/", {}),
    "accounts:reset-factor": ("operator", "/people/willem/reset-factor/", {}),
    "accounts:remove-person": ("operator", "/people/willem/remove/", {}),
    "accounts:invite-webmaster": ("webmaster", f"{DOMAIN}webmasters/invite/", PERSON),
    "accounts:remove-webmaster": ("operator", f"{DOMAIN}webmasters/willem/remove/", {}),
    "accounts:decide-password-request": ("webmaster", "/password-requests/%d/decide/", {}),
    "accounts:make-password-link": ("webmaster", f"{MAILBOX}password-link/", {}),
    "accounts:require-new-password": ("webmaster", f"{MAILBOX}require-password/", {}),
    "accounts:unfreeze": ("webmaster", f"{MAILBOX}unfreeze/", {}),
    "accounts:edit-app-password-rule": (
        "webmaster",
        f"{DOMAIN}app-password-rule/",
        {"mail_programs": "always", "grace_days": "14", "confirmed": "yes"},
    ),
    "accounts:edit-mailbox": (
        "webmaster",
        f"{MAILBOX}edit/",
        {
            "name": "Anna",
            "seen_name": "Anna",
            "recovery_address": "x@evil.test",
            "seen_recovery_address": "",
        },
    ),
    "accounts:switch-mailbox": (
        "webmaster",
        "/mailboxes/off@example.test/switch/",
        {"enabled": "on", "seen_enabled": "off"},
    ),
    "accounts:delete-mailbox": ("webmaster", f"{MAILBOX}delete/", {"address": "anna@example.test"}),
    "accounts:restore-mailbox": ("webmaster", "/deleted/gone@example.test/restore/", {}),
    "accounts:make-app-password": ("owner", f"{MAILBOX}app-passwords/make/", {"name": "phone"}),
    "accounts:switch-app-passwords": ("owner", f"{MAILBOX}app-passwords/switch/", {}),
    "accounts:keep-theirs": None,  # tests/accounts/test_drift.py
    "accounts:leave-theirs": None,  # tests/vacation/test_own_rules.py
    "aliases:keep-theirs": None,  # tests/aliases
    "accounts:restore-ours": ("owner", f"{MAILBOX}restore-ours/", {"aspect": "script"}),
    "aliases:restore-ours": ("webmaster", "/aliases/info@example.test/restore-ours/", {}),
    "accounts:cancel": None,  # below
    "accounts:undo": None,
    "accounts:allow-help": (
        "webmaster",
        f"{MAILBOX}help/",
        {"helper": "%d", "hours": "1", "reason": "Ticket 4711"},
    ),
    "support:export-events": ("support", "/audit/export/", {"format": "csv"}),
    "mailboxtemplates:create-mailbox": (
        "webmaster",
        f"{DOMAIN}new-mailbox/",
        {"local_part": "eve", "name": "Eve", "login": "eve", "recovery_address": "x@evil.test"},
    ),
    "branding:edit-brand": ("webmaster", f"{DOMAIN}branding/", {"webmail_url": "https://evil.test/"}),
    "branding:edit-hosters-brand": ("operator", "/branding/", {"support_email": "x@evil.test"}),
    "clientsetup:edit-server": (
        "operator",
        "/servers/maximusconfessor/set-up/",
        {
            "imap_host": "evil.test",
            "imap_port": "993",
            "imap_security": "tls",
            "pop3_port": "995",
            "pop3_security": "tls",
            "smtp_port": "465",
            "smtp_security": "tls",
            "largest": "50 MB",
        },
    ),
    "batches:export": ("webmaster", f"{DOMAIN}export/", {"format": "csv"}),
    "batches:begin": ("webmaster", "/batches/%d/begin/", {}),
    "batches:undo": ("webmaster", "/batches/%d/undo/", {"sure": "1"}),
    "batches:print-letters": ("webmaster", "/batches/%d/letters/", {}),
    "aliases:create-alias": (
        "webmaster",
        f"{DOMAIN}aliases/new/",
        {"local_part": "x", "targets": "spy@evil.test", "version": "0"},
    ),
    "aliases:edit-catch-all": (
        "webmaster",
        f"{DOMAIN}catch-all/",
        {"targets": "spy@evil.test", "version": "0"},
    ),
    "aliases:give-names": (
        "webmaster",
        f"{DOMAIN}protected-names/",
        {"targets": "spy@evil.test", "version": "0"},
    ),
    "aliases:hand-over": ("webmaster", f"{MAILBOX}hand-over/", {"targets": "spy@evil.test", "version": "0"}),
    "aliases:edit-alias": (
        "webmaster",
        "/aliases/info@example.test/",
        {"targets": "spy@evil.test", "version": "0"},
    ),
    "vacation:edit-forwarding": ("owner", f"{MAILBOX}forwarding/", SENDS_ON),
    "vacation:edit-mail-rules": ("webmaster", f"{DOMAIN}mail-rules/", RULES),
    "vacation:decide-request": ("webmaster", "/setting-requests/%d/decide/", {}),
}


@pytest.fixture
def numbered(mailbox, support) -> int:
    """One of everything that is named by a number, all by the same one; and what else the cases name."""
    number = support.pk
    Batch.objects.create(pk=number, domain=mailbox.domain)
    asked = PasswordRequest.State.WAITING
    PasswordRequest.objects.create(pk=number, typed=mailbox.address, mailbox=mailbox, state=asked)
    wanted = Forwarding(mailbox=mailbox, enabled=True).as_told(["spy@evil.test"])
    before = Forwarding(mailbox=mailbox).as_told([])
    SettingRequest.objects.create(
        pk=number, mailbox=mailbox, setting="forwarding", before=before, wanted=wanted
    )
    alias = Alias.objects.create(address="info@example.test", domain=mailbox.domain)
    alias.targets.create(address=mailbox.address)
    like = {"domain": mailbox.domain, "server": mailbox.server, "quota_bytes": 0}
    Mailbox.objects.create(address="off@example.test", login="off", enabled=False, **like)
    now = timezone.now()
    Mailbox.objects.create(
        address="gone@example.test", login="gone", deleted_at=now, purge_after=now + timedelta(days=9), **like
    )
    return number


def asks(answer) -> bool:
    return answer.status_code == 200 and "Is it still you?" in answer.content.decode()


def test_each_that_asks_has_a_case():
    assert sorted(CASES) == sorted(ASKS)


@pytest.mark.parametrize("view", [view for view, case in CASES.items() if case])
def test_it_asks_a_session_that_did_not_show_lately_who_it_is_and_does_nothing(
    client, request, operator, webmaster, owner, numbered, view
):
    who, path, told = CASES[view]
    person = request.getfixturevalue(who)
    if not person.has_usable_password() and who != "owner":
        person.set_password(PASSWORD)
        person.save()
    client.force_login(person, "accounts.backends.PersonBackend")
    sent = {name: value.replace("%d", str(numbered)) for name, value in told.items()}
    assert asks(client.post(path.replace("%d", str(numbered)), sent))
    assert not Event.objects.exists()
    assert not Change.objects.exists()


# --- what was off is not on again without asking


@pytest.fixture
def was_forwarded(mailbox, owner):
    """To an address outside that said yes; switched off meanwhile."""
    on = Forwarding(mailbox=mailbox, enabled=True)
    forwarding.save_forwarding(on, ["away@outside.test"], seen_version=0, by=owner)
    ForwardingTarget.objects.update(confirmed_at=timezone.now())
    Change.objects.update(state="live")
    off = Forwarding.of(mailbox)
    off.enabled = False
    change = forwarding.save_forwarding(off, ["away@outside.test"], seen_version=1, by=owner)
    Change.objects.filter(pk=change.pk).update(state="live")
    return change


def test_undoing_that_mail_is_no_longer_sent_outside_asks(client, owner, was_forwarded):
    client.force_login(owner)
    assert asks(client.post(f"/changes/{was_forwarded.pk}/undo/"))
    assert not Forwarding.objects.get().enabled


def test_cancelling_it_asks_as_well(client, owner, was_forwarded):
    Change.objects.filter(pk=was_forwarded.pk).update(state="waiting")
    client.force_login(owner)
    assert asks(client.post(f"/changes/{was_forwarded.pk}/cancel/"))
    assert not Forwarding.objects.get().enabled


def test_switching_it_on_again_asks_though_the_address_is_an_old_one(client, owner, was_forwarded):
    client.force_login(owner)
    sent = {"enabled": "on", "addresses": "away@outside.test", "version": "2"}
    assert asks(client.post(f"{MAILBOX}forwarding/", sent))
    assert not Forwarding.objects.get().enabled


@pytest.mark.parametrize(
    ("was", "wanted"),
    [
        ({"ends": timedelta(days=1)}, {}),
        ({"ends": timedelta(days=1)}, {"ends": timedelta(days=9)}),
        ({"ends": timedelta(days=-1)}, {"ends": timedelta(days=1)}),
        ({"only_while_away": True}, {}),
    ],
)
def test_sending_to_the_same_address_for_longer_or_oftener_asks_too(client, owner, mailbox, was, wanted):
    row = Forwarding.objects.create(mailbox=mailbox, enabled=True, **_moments(was))
    ForwardingTarget.objects.create(forwarding=row, address="away@outside.test", confirmed_at=timezone.now())
    client.force_login(owner)
    asked = {name: value for name, value in _moments(wanted).items() if name == "ends"}
    typed = {name: timezone.localtime(value).strftime("%Y-%m-%dT%H:%M") for name, value in asked.items()}
    sent = {"enabled": "on", "addresses": "away@outside.test", "version": "0", **typed}
    assert asks(client.post(f"{MAILBOX}forwarding/", sent))
    row.refresh_from_db()
    assert row.version == 0


def test_sending_for_less_long_asks_nothing(client, owner, mailbox):
    row = Forwarding.objects.create(mailbox=mailbox, enabled=True)
    ForwardingTarget.objects.create(forwarding=row, address="away@outside.test", confirmed_at=timezone.now())
    client.force_login(owner)
    tomorrow = timezone.localtime(timezone.now() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    sent = {"enabled": "on", "addresses": "away@outside.test", "version": "0", "ends": tomorrow}
    assert client.post(f"{MAILBOX}forwarding/", sent).status_code == 302


def _moments(values):
    now = timezone.now()
    return {name: now + value if name == "ends" else value for name, value in values.items()}


def test_an_alias_that_led_outside_and_was_deleted_asks_to_come_back(client, webmaster, domain):
    alias = aliases.create_alias(domain, "info@example.test", ["away@outside.test"], by=webmaster)
    Change.objects.update(state="live")
    aliases.delete_alias(alias, by=webmaster)
    Change.objects.update(state="live")
    change = Change.objects.latest("pk")
    client.force_login(webmaster)
    assert asks(client.post(f"/changes/{change.pk}/undo/"))
    assert not Alias.objects.alive().exists()


def test_what_a_file_held_that_could_not_be_done_is_given_to_who_shows_who_they_are(
    client, webmaster, numbered
):
    client.force_login(webmaster)
    assert asks(client.get(f"/batches/{numbered}/not-done/"))


def test_undoing_that_it_is_on_asks_nothing(client, owner, mailbox):
    on = Forwarding(mailbox=mailbox, enabled=True)
    change = forwarding.save_forwarding(on, ["away@outside.test"], seen_version=0, by=owner)
    Change.objects.update(state="live")
    client.force_login(owner)
    assert client.post(f"/changes/{change.pk}/undo/").status_code == 302
    assert not Forwarding.objects.get().enabled


def test_what_was_typed_is_kept_and_done_with_the_proof(client, mailbox):
    client.post("/sign-in/", {"username": mailbox.address, "password": PASSWORD})
    page = client.post(f"{MAILBOX}forwarding/", SENDS_ON)
    assert 'name="addresses" value="spy@evil.test"' in page.content.decode()
    sent = SENDS_ON | {"step_up_proof": PASSWORD}
    assert client.post(f"{MAILBOX}forwarding/", sent).status_code == 302
    assert Forwarding.objects.get().enabled
