"""A domain's rule that mail programs get in with app passwords only."""

from datetime import timedelta

import pytest
from django.utils import timezone
from django_otp.oath import totp

from accounts import app_password_rule, app_passwords, notices, second_factors
from accounts.app_password_rule import ALWAYS, ANY, FACTOR, follow_rules
from accounts.domains import save_app_password_rule
from accounts.models import AuthenticatorApp, Mailbox, Notice, PasswordRules
from accounts.one_time_links import CHOOSE_PASSWORD, make_link
from accounts.services import create_mailbox
from audit.models import Event
from mailservers.drivers.base import Limits
from mailservers.drivers.memory import MemoryDriver
from mailservers.models import Change
from tests import factors
from tests.conftest import PASSWORD_HASH, step_up

pytestmark = pytest.mark.sql
URL = "/domains/example.test/app-password-rule/"
APPS = "/mailboxes/anna@example.test/app-passwords/"
ADD = "/account/authenticator/"


@pytest.fixture
def willem(client, webmaster):
    client.force_login(webmaster, "accounts.backends.PersonBackend")
    step_up(client)
    return client


def add_factor(person):
    return factors.add_app(person)


def rule(domain, what, days=14):
    PasswordRules.objects.update_or_create(
        domain=domain, defaults={"mail_programs": what, "grace_days": days}
    )
    domain.refresh_from_db()


def pass_days(mailbox, days):
    mailbox.refresh_from_db()
    mailbox.apps_only_from -= timedelta(days=days)
    mailbox.save(update_fields=["apps_only_from"])


# --- the webmaster's page


def test_a_plan_tells_how_many_it_touches_and_who_has_no_app_password(willem, mailbox, webmaster, committed):
    add_factor(mailbox.owner)
    page = willem.post(URL, {"mail_programs": FACTOR, "grace_days": "7"}).content.decode()
    assert "It holds for 1 mailbox." in page
    assert "1 of them has no app password yet." in page
    assert "anna@example.test</bdi>" in page
    assert not PasswordRules.objects.exists()
    with committed():
        willem.post(URL, {"mail_programs": FACTOR, "grace_days": "7", "confirmed": "1"})
    mailbox.refresh_from_db()
    assert not mailbox.only_app_passwords
    assert timedelta(days=6) < mailbox.apps_only_from - timezone.now() < timedelta(days=7, minutes=1)
    assert Event.objects.get(verb="domain.app_password_rule_changed").by == webmaster
    assert "1 mailbox" in willem.get(URL).content.decode()
    listed = willem.get("/domains/example.test/?show=no-app").content.decode()
    assert "anna@example.test" in listed


def test_a_server_that_keeps_none_is_not_offered_it(willem, mailbox, monkeypatch):
    monkeypatch.setattr(MemoryDriver, "limits", Limits(app_passwords=False))
    assert "keeps one password for each mailbox and no app passwords" in willem.get(URL).content.decode()
    willem.post(URL, {"mail_programs": ALWAYS, "grace_days": "0", "confirmed": "1"})
    assert not PasswordRules.objects.exists()
    rule(mailbox.domain, ALWAYS)
    assert follow_rules() == 0


@pytest.mark.parametrize(
    ("field", "value"), [("mail_programs", "none"), ("grace_days", "1"), ("grace_days", "")]
)
def test_what_is_no_choice_is_refused(willem, mailbox, field, value):
    sent = {"mail_programs": ALWAYS, "grace_days": "7", "confirmed": "1"}
    assert willem.post(URL, sent | {field: value}).status_code == 200
    assert not PasswordRules.objects.exists()


def test_nobody_asks_for_less_than_the_operators(willem, mailbox, settings):
    settings.APP_PASSWORDS_ONLY = FACTOR
    page = willem.post(URL, {"mail_programs": ANY, "grace_days": "7", "confirmed": "1"}).content.decode()
    assert "Select a valid choice" in page
    add_factor(mailbox.owner)
    assert follow_rules() == 1


# --- those who are there already


def test_after_the_term_the_server_takes_app_passwords_only(mailbox, committed):
    rule(mailbox.domain, ALWAYS)
    with committed():
        follow_rules()
    assert Notice.objects.filter(kind="apps-due", mailbox=mailbox).exists()
    assert not Change.objects.filter(mailbox=mailbox, aspect="account").exists()
    pass_days(mailbox, 14)
    with committed():
        assert follow_rules() == 1
        assert follow_rules() == 0
    assert MemoryDriver.accounts[mailbox.login].password_hash == ""
    assert Change.objects.newest_of(mailbox.pk, "account").state == Change.State.LIVE
    assert Notice.objects.filter(kind="apps-only", mailbox=mailbox).exists()


def test_at_once_is_for_who_has_an_app_password(mailbox, committed):
    rule(mailbox.domain, ALWAYS, days=0)
    follow_rules()
    mailbox.refresh_from_db()
    assert mailbox.apps_only_from > timezone.now() + timedelta(days=6)
    Mailbox.objects.update(apps_only_from=None)
    app_passwords.make_app_password(mailbox, "phone", by=mailbox.owner)
    follow_rules()
    mailbox.refresh_from_db()
    assert (mailbox.only_app_passwords, mailbox.apps_only_by_rule) == (True, True)


def test_taken_back_it_undoes_what_it_did_and_nothing_else(mailbox, webmaster, stranger, committed):
    chosen = Mailbox.objects.create(
        address="cleo@example.test",
        domain=mailbox.domain,
        server=mailbox.server,
        login="example0077",
        quota_bytes=0,
        password_hash=PASSWORD_HASH,
        only_app_passwords=True,
    )
    rule(mailbox.domain, ALWAYS)
    follow_rules()
    pass_days(mailbox, 14)
    with committed():
        follow_rules()
    with committed():
        save_app_password_rule(mailbox.domain, ANY, 14, by=webmaster)
    mailbox.refresh_from_db()
    chosen.refresh_from_db()
    assert (mailbox.only_app_passwords, chosen.only_app_passwords) == (False, True)
    assert MemoryDriver.accounts[mailbox.login].password_hash == PASSWORD_HASH
    assert Notice.objects.filter(kind="password-lets-in", mailbox=mailbox).exists()


def test_taken_back_before_its_day_nothing_was_done(mailbox, webmaster, committed):
    rule(mailbox.domain, ALWAYS)
    follow_rules()
    with committed():
        save_app_password_rule(mailbox.domain, ANY, 14, by=webmaster)
    mailbox.refresh_from_db()
    assert mailbox.apps_only_from is None
    assert not Change.objects.exists()
    assert Event.objects.filter(verb="mailbox.app_passwords_not_due").exists()


def test_a_password_that_only_the_mail_server_knows_is_left(willem, mailbox):
    Mailbox.objects.update(password_hash="{CRYPT}$y$unknown")
    rule(mailbox.domain, ALWAYS)
    assert follow_rules() == 0
    assert app_password_rule.reach_of(mailbox.domain, ALWAYS).unknown == 1


def test_a_new_mailbox_begins_so(mailbox, webmaster):
    rule(mailbox.domain, ALWAYS)
    new = create_mailbox(mailbox.domain, "nora", login="example0088", name="", by=webmaster)
    assert (new.only_app_passwords, new.apps_only_by_rule) == (True, True)


def test_whoever_chooses_its_first_password_is_told_of_app_passwords(client, mailbox, webmaster):
    rule(mailbox.domain, ALWAYS)
    new = create_mailbox(mailbox.domain, "nora", login="example0088", name="", by=webmaster)
    code = make_link(CHOOSE_PASSWORD, new, by=webmaster).partition("#")[2]
    password = "gravel teapot seventeen"
    form = {"code": code, "new_password": password, "new_password_again": password}
    page = client.post("/choose-password/", form, follow=True).content.decode()
    assert "Mail programs need an app password each" in page


def test_nobody_lets_the_password_in_again_while_it_holds(client, mailbox):
    rule(mailbox.domain, ALWAYS)
    Mailbox.objects.update(only_app_passwords=True)
    client.force_login(mailbox.owner)
    page = client.get(APPS).content.decode()
    assert "Your domain asks for that" in page
    assert "Let my password in as well" not in page
    mailbox.refresh_from_db()
    with pytest.raises(app_passwords.HeldByRule):
        app_passwords.let_in_by_password_too(mailbox, by=mailbox.owner)


# --- who turns a second factor on, and off


def add_app(client, **more):
    code = f"{totp(factors.key_shown(client)):06}"
    return client.post(ADD, {"code": code, "name": "phone", **more}).content.decode()


def test_who_turns_it_on_reads_first_what_follows(client, mailbox):
    rule(mailbox.domain, FACTOR, days=7)
    client.force_login(mailbox.owner)
    session = client.session
    session["stepped_up_at"] = timezone.now().timestamp()
    session.save()
    page = client.get(ADD).content.decode()
    assert "Your mail programs then need app passwords" in page
    assert "You have no app password yet." in page
    assert not AuthenticatorApp.objects.exists()
    client.post(ADD, {"understood": "1"})
    page = add_app(client)
    assert "Make app passwords" in page
    mailbox.refresh_from_db()
    assert mailbox.apps_only_from > timezone.now() + timedelta(days=6)
    assert (
        "Mail programs soon need app passwords"
        in client.get("/mailboxes/anna@example.test/").content.decode()
    )


def test_where_nothing_changes_nothing_is_asked(client, mailbox):
    client.force_login(mailbox.owner)
    session = client.session
    session["stepped_up_at"] = timezone.now().timestamp()
    session.save()
    assert "Give the key to the app" in client.get(ADD).content.decode()


def test_without_the_second_factor_the_rule_ends_and_the_lock_stays(mailbox):
    """Whoever could take the factor away would else open the mail as well."""
    rule(mailbox.domain, FACTOR)
    device = add_factor(mailbox.owner)
    Mailbox.objects.update(only_app_passwords=True, apps_only_by_rule=True)
    second_factors.remove_device(mailbox.owner, device)
    mailbox.refresh_from_db()
    assert (mailbox.only_app_passwords, mailbox.apps_only_by_rule) == (True, False)
    assert follow_rules() == 0
    app_passwords.let_in_by_password_too(mailbox, by=mailbox.owner)
    mailbox.refresh_from_db()
    assert not mailbox.only_app_passwords


def test_its_mail_says_from_when_on_and_where_to_go(mailbox, mailoutbox):
    rule(mailbox.domain, ALWAYS)
    follow_rules()
    notices.mail_notices()
    mail = next(each for each in mailoutbox if each.to == [mailbox.address])
    mailbox.refresh_from_db()
    day = timezone.localtime(mailbox.apps_only_from)
    assert f"{day.day} {day:%B %Y}" in mail.subject
    assert APPS in mail.body
    assert "not-me" not in mail.body
