"""What a server holds comes into the portal, once, whole, and without a change on the server."""

import time
from collections.abc import Iterator
from datetime import datetime
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import Alias, Domain, Mailbox
from accounts.passwords import matches
from adoption import services
from adoption.adopting import Piece, adopt_domain, plan_domain
from adoption.models import Adoption
from adoption.tasks import adopt, go_on
from audit.models import Event
from audit.verifying import problems
from fleet.dovecot import Dovecot
from fleet.virtualmin import Virtualmin
from mailservers.aspects import aspect_named, fingerprint
from mailservers.credentials import seal
from mailservers.drivers.base import AccountState, AliasState, FoundMailbox, MailRules, ReplyRule
from mailservers.drivers.dovecot import DovecotDriver
from mailservers.foreign import can_hold
from mailservers.models import Change, Observation, Server
from mailservers.servers import driver_for
from tests.conftest import PASSWORD, PASSWORD_HASH
from vacation.content import reachable_targets
from vacation.models import AutoReply, Forwarding

READING = {"list-domains", "list-users", "list-aliases"}


@pytest.fixture
def one_domain(virtualmin: Virtualmin) -> Virtualmin:
    """Somebody who answers, somebody who forwards, somebody switched off, an alias, and a catch-all."""
    virtualmin.create_domains("kunde.test")
    create = {"domain": "kunde.test", "pass": PASSWORD}
    virtualmin.call("create-user", user="anna", real="Anna Ä", quota="1024", recovery="a@x.test", **create)
    virtualmin.call("create-user", user="bert", quota="UNLIMITED", **create)
    virtualmin.call("create-user", user="carl", disable="", **create)
    virtualmin.call(
        "modify-user",
        domain="kunde.test",
        user="anna",
        autoreply="Hallo,\\nbis Montag.",
        **{"autoreply-start": "2099-01-01", "autoreply-end": "2099-01-31", "autoreply-period": "86400"},
    )
    virtualmin.call("modify-user", domain="kunde.test", user="bert", **{"add-forward": "b@x.test"})
    virtualmin.call("create-alias", domain="kunde.test", **{"from": "info", "to": "anna@kunde.test"})
    virtualmin.steer(forget_calls=True)
    return virtualmin


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("adopt", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.sql
def test_everything_the_portal_keeps_is_taken_over(moses, one_domain):
    printed = run("moses")
    assert "3 of 3 mailboxes (100 %)" in printed
    assert Domain.objects.get().server == moses
    anna, bert, carl = Mailbox.objects.order_by("address")
    assert (anna.address, anna.login, anna.name) == ("anna@kunde.test", "anna.kunde", "Anna Ä")
    assert (anna.quota_bytes, anna.recovery_address, anna.enabled) == (1024 * 1024, "a@x.test", True)
    assert (bert.quota_bytes, carl.enabled) == (0, False)
    assert matches(PASSWORD, anna.password_hash)
    reply = AutoReply.objects.get()
    brussels = ZoneInfo("Europe/Brussels")
    assert (reply.mailbox, reply.enabled, reply.text, reply.days) == (anna, True, "Hallo,\nbis Montag.", 1)
    assert reply.starts == datetime(2099, 1, 1, tzinfo=brussels)
    assert reply.ends == datetime(2099, 2, 1, tzinfo=brussels)
    forwarding = Forwarding.objects.get()
    assert (forwarding.mailbox, forwarding.enabled, forwarding.addresses()) == (bert, True, ["b@x.test"])
    assert reachable_targets(forwarding) == ("b@x.test",)


@pytest.mark.sql
def test_aliases_are_taken_over_with_further_addresses_and_the_catch_all(moses, one_domain, capsys):
    one_domain.call("modify-user", domain="kunde.test", user="anna", **{"add-email": "a.x@kunde.test"})
    one_domain.call("modify-user", domain="kunde.test", user="bert", **{"add-email": "b@away.test"})
    one_domain.call("create-simple-alias", domain="kunde.test", **{"from": "*", "forward": "anna@kunde.test"})
    one_domain.call(
        "create-alias", domain="kunde.test", **{"from": "team", "to": "bert.kunde"}
    )  # a mailbox by its login
    one_domain.call("create-alias", domain="kunde.test", **{"from": "robot", "to": "|/usr/bin/robot"})
    assert "3 mailboxes and 8 aliases taken over" in run("moses")
    left_out = capsys.readouterr().err
    assert "robot@kunde.test: It leads to a file, a program or a list" in left_out
    assert "b@away.test: Its domain is not on this server" in left_out
    told = {
        alias.address: [target.address for target in alias.targets.all()] for alias in Alias.objects.all()
    }
    assert told["info@kunde.test"] == told["a.x@kunde.test"] == told["@kunde.test"] == ["anna@kunde.test"]
    assert told["team@kunde.test"] == ["bert@kunde.test"]
    assert "robot@kunde.test" not in told
    assert "b@away.test" not in told
    assert Event.objects.filter(verb="alias.adopted").count() == 8
    assert "0 mailboxes and 0 aliases" in run("moses")


def test_mail_that_goes_to_a_program_stays_the_servers_business(moses, one_domain, capsys):
    one_domain.call("modify-user", domain="kunde.test", user="carl", **{"add-forward": "x|/bin/x"})
    run("moses")
    assert "carl@kunde.test: Its mail goes to a file or a program" in capsys.readouterr().err
    assert Mailbox.objects.count() == 3
    assert not Forwarding.objects.filter(mailbox__login="carl.kunde").exists()
    assert not Observation.objects.filter(mailbox__login="carl.kunde", aspect="script").exists()


def test_the_same_user_in_two_domains_is_two_mailboxes(moses, virtualmin):
    virtualmin.create_domains("eins.test", "zwei.test")
    for domain in ("eins.test", "zwei.test"):
        virtualmin.call("create-user", domain=domain, user="anna", **{"pass": "x"})
    run("moses")
    found = Mailbox.objects.order_by("address").values_list("address", "login")
    assert list(found) == [("anna@eins.test", "anna.eins"), ("anna@zwei.test", "anna.zwei")]


def test_one_that_was_deleted_in_the_portal_does_not_come_back(moses, one_domain, capsys):
    run("moses")
    Mailbox.objects.filter(login="bert.kunde").update(deleted_at=timezone.now())
    run("moses")
    assert "bert@kunde.test: It was deleted in the portal." in capsys.readouterr().err
    assert Mailbox.objects.alive().count() == 2


def test_nothing_on_the_server_changes_and_nothing_is_to_be_pushed(moses, one_domain):
    before = one_domain.state()
    run("moses")
    assert one_domain.state() == before
    assert {call["program"] for call in one_domain.calls()} <= READING
    assert not Change.objects.exists()


def test_the_portal_knows_what_the_server_held_then(moses, one_domain):
    run("moses")
    driver = driver_for(moses)
    seen = Observation.objects.select_related("mailbox")
    assert seen.count() == 6
    for observation in seen:
        aspect = aspect_named(observation.aspect)
        wanted = aspect.desired(observation.mailbox)
        held = aspect.own(wanted, aspect.read(driver, observation.mailbox.login))
        assert fingerprint(held) == observation.fingerprint


def test_every_mailbox_has_a_link_in_the_chain(moses, one_domain):
    run("moses")
    assert Event.objects.filter(verb="mailbox.adopted").count() == 3
    assert list(problems()) == []
    assert PASSWORD_HASH not in str(list(Event.objects.values_list("after", flat=True)))


def test_a_dry_run_tells_and_takes_nothing(moses, one_domain):
    printed = run("moses", "--dry-run")
    # mailboxes, known, replies, forwards, aliases (4 of each domain's own), locked, own rules
    assert [*map(str, [3, 0, 1, 1, 5, 0, 0])] == printed.splitlines()[1].split()[1:8]
    assert not Domain.objects.exists()
    assert not Event.objects.exists()


def test_a_second_time_nothing_is_new(moses, one_domain):
    run("moses")
    assert "0 mailboxes and 0 aliases taken over" in run("moses")
    one_domain.call("create-user", domain="kunde.test", user="dora", **{"pass": "x"})
    assert "1 mailboxes and 0 aliases taken over" in run("moses")
    assert Mailbox.objects.count() == 4


def test_one_domain_of_several(moses, one_domain):
    one_domain.fill("other.test", 3)
    run("moses", "--domain", "other.test")
    assert [domain.name for domain in Domain.objects.all()] == ["other.test"]
    with pytest.raises(CommandError, match=r"no domain third\.test"):
        run("moses", "--domain", "third.test")


def test_a_domain_that_is_on_another_server_is_left_out(moses, server, one_domain):
    Domain.objects.create(name="kunde.test", server=server)
    assert "left out" in run("moses")
    assert not Mailbox.objects.exists()


def test_mistakes_are_told(moses, virtualmin):
    with pytest.raises(CommandError, match="no server named"):
        run("noah")
    virtualmin.switch(faults=["html"] * 4)
    with pytest.raises(CommandError, match="a page in place of data"):
        run("moses")


def test_a_mailbox_whose_address_was_taken_away_is_passed_over(moses, one_domain, capsys):
    one_domain.call("modify-user", domain="kunde.test", user="bert", **{"add-email": "anna@kunde.test"})
    run("moses")
    assert [mailbox.login for mailbox in Mailbox.objects.order_by("login")] == ["bert.kunde", "carl.kunde"]
    assert "anna.kunde: It has no address in the domain" in capsys.readouterr().err


def test_dovecots_table_is_taken_over(db, dovecot_with_sqlite: Dovecot):
    driver = DovecotDriver(dovecot_with_sqlite.endpoints(), dovecot_with_sqlite.credentials())
    for login, enabled in (("adopt0001", True), ("adopt0002", False)):
        driver.put_account(AccountState(login, f"{login}@Adopt.test", PASSWORD_HASH, 4096, enabled=enabled))
    Server.objects.create(
        name="maximusconfessor",
        kind="dovecot",
        endpoints=dovecot_with_sqlite.endpoints(),
        sealed_credentials=seal(dovecot_with_sqlite.credentials()),
    )
    run("maximusconfessor", "--domain", "adopt.test")
    first, second = Mailbox.objects.order_by("login")
    assert (first.address, first.quota_bytes, first.enabled) == ("adopt0001@adopt.test", 4096, True)
    assert matches(PASSWORD, first.password_hash)
    assert not second.enabled


# --- piece by piece, as workers do


def asked(moses: Server, person) -> Adoption:
    adoption = services.ask(moses, "", by=person, announce=lambda _: None)
    adopt(adoption.pk)
    adoption.refresh_from_db()
    return adoption


@pytest.mark.sql
def test_a_go_that_was_stopped_goes_on_where_it_was(moses, virtualmin, operator, monkeypatch):
    virtualmin.fill("big.test", 450)
    adoption = asked(moses, operator)
    assert (adoption.state, adoption.mailboxes_found) == ("planned", 450)
    services.begin(adoption, by=operator, announce=lambda _: None)
    monkeypatch.setattr(services, "ENOUGH", 0.0)
    assert services.work(adoption.pk)
    adoption.refresh_from_db()
    assert (adoption.mailboxes_seen, adoption.percent, Mailbox.objects.count()) == (200, 44, 200)
    services.stop(adoption)
    assert not services.work(adoption.pk)
    services.begin(adoption, by=operator, announce=lambda _: None)
    while services.work(adoption.pk):
        pass
    adoption.refresh_from_db()
    assert (adoption.state, adoption.mailboxes_seen, adoption.mailboxes_adopted) == ("done", 450, 450)
    assert Mailbox.objects.count() == 450


def test_a_lost_worker_is_replaced_and_two_are_never_at_it(moses, virtualmin, operator, jobs):
    virtualmin.fill("big.test", 3)
    adoption = services.ask(moses, "", by=operator, announce=lambda _: None)
    Adoption.objects.update(working_until=timezone.now() + services.LEASE)
    assert not services.work(adoption.pk)
    go_on()
    assert jobs == []
    Adoption.objects.update(working_until=timezone.now())
    go_on()
    assert jobs == [adoption.pk]
    services.work(adoption.pk)
    adoption.refresh_from_db()
    assert (adoption.state, adoption.working_until) == ("planned", None)


def test_trouble_is_told_and_another_go_is_possible(moses, virtualmin, operator):
    virtualmin.fill("big.test", 3)
    adoption = asked(moses, operator)
    services.begin(adoption, by=operator, announce=lambda _: None)
    virtualmin.switch(faults=["cut", "cut"])
    adopt(adoption.pk)
    adoption.refresh_from_db()
    assert adoption.state == "failed"
    assert "cut off" in adoption.reason_text
    services.begin(adoption, by=operator, announce=lambda _: None)
    adopt(adoption.pk)
    adoption.refresh_from_db()
    assert (adoption.state, Mailbox.objects.count()) == ("done", 3)


def test_mailboxes_come_by_the_thousand(moses, virtualmin, operator, pytestconfig):
    """With `--long` the figure that was promised: 5,000 within a minute."""
    many = 5000 if pytestconfig.getoption("--long") else 1000
    virtualmin.fill("huge.test", many)
    began = time.monotonic()
    adoption = asked(moses, operator)
    services.begin(adoption, by=operator, announce=lambda _: None)
    seen = []
    while services.work(adoption.pk):
        adoption.refresh_from_db()
        seen.append(adoption.percent)
    adoption.refresh_from_db()
    assert time.monotonic() - began < 60
    assert (adoption.state, Mailbox.objects.count()) == ("done", many)
    assert AutoReply.objects.count() == many // 10
    assert seen == sorted(seen)


# --- whatever a server holds


class Odd:
    """A server on which somebody wrote what nobody can hold."""

    def __init__(self, *mailboxes: FoundMailbox, aliases: tuple[AliasState, ...] = ()) -> None:
        self._mailboxes, self._aliases = mailboxes, aliases

    def domains(self) -> list[str]:
        return ["kunde.test"]

    def mailboxes(self, _domain: str) -> Iterator[FoundMailbox]:
        return iter(self._mailboxes)

    def aliases(self, _domain: str) -> Iterator[AliasState]:
        return iter(self._aliases)


def found(local: str, rules: MailRules | None = None, **values: Any) -> FoundMailbox:
    told = {"password_hash": PASSWORD_HASH, "quota_bytes": 0, "enabled": True, **values}
    return FoundMailbox(AccountState(f"{local}.kunde", f"{local}@kunde.test", **told), rules)


def taken_over(server: Server, inventory: Odd) -> list[Piece]:
    plan_domain(server, inventory, "kunde.test")
    return list(adopt_domain(server, inventory, "kunde.test", limits=driver_for(server).limits, by=None))


@pytest.mark.sql
def test_one_mailbox_that_nobody_can_hold_keeps_no_other_from_being_taken_over(server):
    pieces = taken_over(
        server,
        Odd(
            found("anna", MailRules(ReplyRule(text="a\0b\ud800"))),
            found("b\0b"),
            found("c\ud800"),
            found("dora", quota_bytes=2**70),
            found("emil", name="E\0mil"),
            aliases=(
                AliasState("i\0nfo@kunde.test", ("anna@kunde.test",)),
                AliasState("x@kunde.test", ("y\0",)),
            ),
        ),
    )
    assert list(Mailbox.objects.order_by("address").values_list("address", flat=True)) == [
        "anna@kunde.test",
        "emil@kunde.test",
    ]
    assert AutoReply.objects.get().text == "a\ufffdb\ufffd"
    told = {address for piece in pieces for address, _why, _values in piece.passed_over}
    assert {"b\ufffdb@kunde.test", "c\ufffd@kunde.test", "dora@kunde.test"} <= told
    assert can_hold([list(each) for piece in pieces for each in piece.passed_over])
    assert sum(piece.adopted for piece in pieces) == 2
    assert not Alias.objects.exists()
