"""What a removed mailbox leaves behind on a real Dovecot, and what a newcomer finds there: nothing."""

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from passlib.hash import sha512_crypt

from fleet.certificates import CertificateAuthority
from fleet.dovecot import Dovecot
from fleet.sink import Sink
from mailservers.drivers.base import AccountState, AppPasswordState, Refused, TryAgain, parked
from mailservers.drivers.doveadm import Doveadm, Outcome
from mailservers.drivers.dovecot import DovecotDriver
from mailservers.drivers.dovecot_erasing import erase_mail, is_empty
from tests.mailservers.drivers.contract import SCRIPT, new_account
from tests.mailservers.drivers.mailbox import (
    deliver,
    imap,
    keep_own_script,
    scripts,
    sign_in,
    signs_in,
    subjects,
    webmail,
)

PASSWORD = "correct horse bättery"
HASH = "{SHA512-CRYPT}" + sha512_crypt.using(rounds=1000).hash(PASSWORD)
SECRET = "SECRET-payslip"
SHARED = """
mail_plugins = $mail_plugins acl
protocol imap {
  mail_plugins = $mail_plugins imap_quota last_login acl imap_acl
}
plugin {
  acl = vfile
  acl_shared_dict = file:%(dir)s/db/shared
  sieve_default = %(dir)s/default.sieve
  sieve_default_name = house
}
namespace {
  type = public
  separator = /
  prefix = Public/
  location = maildir:%(dir)s/mail/public:INDEXPVT=~/public
  subscriptions = no
}
namespace {
  type = shared
  separator = /
  prefix = shared/%%%%u/
  location = maildir:%%%%h/Maildir:INDEXPVT=~/shared/%%%%u
  subscriptions = no
  list = children
}
"""


@pytest.fixture(scope="module")
def sharing(directory: Path, certificates: CertificateAuthority, sink: Sink) -> Iterator[Dovecot]:
    """Folders are shared, and everybody has a script of the house."""
    server = Dovecot("sharing", directory / "d3", certificates, sink.port)
    (server.directory / "default.sieve").write_text("keep;\n")
    server.override(SHARED % {"dir": server.directory})
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["sqlite", "postgresql"], scope="session")
def server(request: pytest.FixtureRequest) -> Dovecot:
    server: Dovecot = request.getfixturevalue(f"dovecot_with_{request.param}")
    return server


def driver_of(server: Dovecot, **changes: Any) -> DovecotDriver:
    endpoints = {name: value for name, value in (server.endpoints() | changes).items() if value is not None}
    return DovecotDriver(endpoints, server.credentials())


@pytest.fixture
def driver(server: Dovecot) -> Iterator[DovecotDriver]:
    driver = driver_of(server)
    yield driver
    driver.close()


def new(**changes: Any) -> AccountState:
    return new_account(password_hash=HASH, quota_bytes=0, is_new=True, **changes)


def live_in(server: Dovecot, account: AccountState) -> None:
    """What somebody leaves behind: mail in folders, one of them deleted, subscriptions, and scripts."""
    deliver(server, account, SECRET)
    with imap(server) as client:
        sign_in(client, account.address, PASSWORD)
        for folder in ("Work", "Work/Deep", "Trash", '"with *"', "&AOk-t&AOk-", "Empty"):
            client.create(folder)
            client.subscribe(folder)
            client.append(folder, "(\\Deleted)", None, f"Subject: {SECRET}\r\n\r\nx".encode())  # type: ignore[arg-type]
        client.create("Soon/Gone")
        client.subscribe("Soon/Gone")
        client.delete("Soon/Gone")
        client.select("INBOX")
        client.fetch("1:*", "(ENVELOPE)")  # so that the index remembers the subjects
    keep_own_script(server, account.login, "old", "discard;\n", active=False)
    keep_own_script(server, account.login, "spy", 'redirect "spy@elsewhere.test";\n')


def home(server: Dovecot, login: str) -> Path:
    return server.directory / "mail" / login.lower()


def left_in(server: Dovecot, login: str) -> str:
    """The names and words of all that is on the disk."""
    words = ["spy", "Work", "Soon", "SECRET"]
    told = subprocess.run(["find", home(server, login)], capture_output=True, text=True, check=True).stdout
    for word in words:
        asked = ["grep", "-rla", word, str(home(server, login))]
        told += subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    return "\n".join(
        line for line in told.splitlines() if any(word in line for word in (*words, ".sieve", "cur/", "new/"))
    )


@pytest.mark.parametrize("login", [None, "anna+work@x.test", "josé", "100%_sure\\"])
def test_nothing_of_a_removed_mailbox_is_left_but_empty_folders(
    login: str | None, server: Dovecot, driver: DovecotDriver
) -> None:
    """Whatever its login is made of: adopted ones have all kinds."""
    account = new()
    driver.put_account(account)
    driver.put_script(account.login, SCRIPT)
    live_in(server, account)
    assert SECRET in subjects(server, account.login)
    if login is not None:
        driver.remove_account(account.login)
        account = new(login=login + account.login)
        driver.put_account(account)
        deliver(server, account, SECRET)
    driver.put_account(replace(account, is_new=False, enabled=False, sends=False, receives=False))
    driver.remove_account(account.login)
    assert driver.read_account(account.login) is None
    assert left_in(server, account.login).strip() == ""
    assert not signs_in(server, account.address, PASSWORD)
    driver.remove_account(account.login)  # again, as after a crash


def test_whoever_got_the_login_again_would_find_nothing(server: Dovecot, driver: DovecotDriver) -> None:
    """Were it ever given again: no mail, and no rule that leads the new mail elsewhere."""
    leaver = new()
    driver.put_account(leaver)
    live_in(server, leaver)
    driver.remove_account(leaver.login)
    heir = new(login=leaver.login)
    driver.put_account(heir)
    assert subjects(server, heir.login) == []
    assert scripts(server, heir.login) == {}
    deliver(server, heir, "welcome")
    assert subjects(server, heir.login) == ["welcome"]
    driver.remove_account(heir.login)


def test_app_passwords_go_as_well(server: Dovecot, driver: DovecotDriver) -> None:
    account = new(app_passwords=(AppPasswordState(990_001, "abcd", HASH),))
    driver.put_account(account)
    driver.remove_account(account.login)
    heir = new(login=account.login)
    driver.put_account(heir)
    assert driver.read_account(account.login) == heir
    driver.remove_account(heir.login)


@pytest.mark.parametrize("kind", ["mail", "folder", "script"])
def test_a_new_mailbox_whose_home_holds_something_is_refused(
    kind: str, server: Dovecot, driver: DovecotDriver
) -> None:
    """An account that somebody took out of the database by hand, say."""
    former = new()
    driver.put_account(former)
    if kind == "mail":
        deliver(server, former, SECRET)
    elif kind == "folder":
        with imap(server) as client:
            sign_in(client, former.address, PASSWORD)
            client.create("Work")
            client.append("Work", "", None, b"Subject: x\r\n\r\nx")  # type: ignore[arg-type]
    else:
        keep_own_script(server, former.login, "spy", "keep;\n", active=False)
    driver._accounts.remove(former.login)
    newcomer = new(login=former.login)
    with pytest.raises(Refused) as refusal:
        driver.put_account(newcomer)
    assert f"already under the login {former.login}" in str(refusal.value)
    assert driver.read_account(former.login) is None
    assert not signs_in(server, newcomer.address, PASSWORD)
    # Nothing of it is lost: the one whose it is finds it.
    driver.put_account(replace(former, is_new=False))
    if kind == "mail":
        assert subjects(server, former.login) == [SECRET]
    driver.remove_account(former.login)


def test_a_new_mailbox_never_takes_an_account_over(server: Dovecot, driver: DovecotDriver) -> None:
    """One that the portal has not adopted."""
    theirs = new()
    driver.put_account(theirs)
    deliver(server, theirs, SECRET)
    with pytest.raises(Refused):
        driver.put_account(new(login=theirs.login))
    with pytest.raises(Refused):
        driver.put_account(replace(theirs, quota_bytes=4096))  # its address as well
    assert driver.read_account(theirs.login) == theirs
    assert signs_in(server, theirs.address, PASSWORD)
    driver.remove_account(theirs.login)


def test_a_second_try_of_a_new_mailbox_does_no_harm(server: Dovecot, driver: DovecotDriver) -> None:
    """The first was carried out, and the worker killed before it noted that."""
    account = new()
    driver.put_account(account)
    deliver(server, account, "first mail")
    driver.put_account(account)
    assert subjects(server, account.login) == ["first mail"]
    driver.remove_account(account.login)


def test_one_that_was_left_half_made_is_looked_at_again(server: Dovecot, driver: DovecotDriver) -> None:
    account = new()
    driver.put_account(
        replace(account, is_new=False, address=parked(account.login), password_hash="", enabled=False)
    )
    driver.put_account(account)
    assert driver.read_account(account.login) == account
    driver.remove_account(account.login)


def test_a_removal_that_breaks_off_is_told_and_done_the_next_time(
    server: Dovecot, driver: DovecotDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = new()
    driver.put_account(account)
    live_in(server, account)

    def nothing_is_deleted(doveadm: Doveadm, commands: Any) -> list[Outcome]:
        told = [command for command in commands if command[0] not in ("expunge", "mailboxDelete")]
        answers = iter(run(doveadm, told))
        return [
            Outcome([]) if name in ("expunge", "mailboxDelete") else next(answers) for name, _ in commands
        ]

    run = Doveadm.run
    with monkeypatch.context() as patch:
        patch.setattr(Doveadm, "run", nothing_is_deleted)
        with pytest.raises(TryAgain) as trouble:
            driver.remove_account(account.login)
    assert "still holds mail" in str(trouble.value)
    held = driver.read_account(account.login)
    assert held is not None
    assert not signs_in(server, account.address, PASSWORD)
    driver.remove_account(account.login)
    assert left_in(server, account.login) == ""


def test_without_columns_of_their_own_for_the_switches(dovecot_with_sqlite: Dovecot) -> None:
    """Dovecot then knows nothing of an account that is off: it is on, and closed, while it is emptied."""
    server = dovecot_with_sqlite
    driver = driver_of(server, switches_apart=False)
    account = new()
    driver.put_account(account)
    live_in(server, account)
    driver.put_account(replace(account, is_new=False, enabled=False))
    driver.remove_account(account.login)
    assert left_in(server, account.login) == ""
    driver.close()


def test_without_doveadm_scripts_go_and_the_mail_is_somebody_elses_work(dovecot_with_sqlite: Dovecot) -> None:
    server = dovecot_with_sqlite
    with_doveadm = driver_of(server)
    driver = driver_of(server, doveadm_url=None)
    assert (with_doveadm.limits.erases_mail, driver.limits.erases_mail) == (True, False)
    account = new()
    driver.put_account(account)
    live_in(server, account)
    driver.remove_account(account.login)
    assert driver.read_account(account.login) is None
    driver.put_account(replace(account, is_new=False))
    assert scripts(server, account.login) == {}
    assert subjects(server, account.login) == [SECRET]
    with_doveadm.remove_account(account.login)


def test_what_others_share_stays_theirs(sharing: Dovecot) -> None:
    driver = driver_of(sharing, default_script="house")
    leaver, other = new(), new()
    for account in (leaver, other):
        driver.put_account(account)
        deliver(sharing, account, f"of-{account.login}")
    doveadm = driver._doveadm()
    rights = ["lookup", "read", "write", "write-seen", "write-deleted", "insert", "expunge", "delete"]
    [shared] = doveadm.run(
        [
            (
                "aclSet",
                {"user": other.login, "mailbox": "INBOX", "id": f"user={leaver.login}", "right": rights},
            )
        ]
    )
    assert shared.exit_code == 0
    (sharing.directory / "mail" / "public").mkdir()
    sharing.user.take_over(sharing.directory / "mail" / "public")
    (sharing.directory / "mail" / "public" / "dovecot-acl").write_text("anyone lrwstipekxa\n")
    with imap(sharing) as client:
        sign_in(client, leaver.address, PASSWORD)
        client.create("Public/News")
        client.append("Public/News", "", None, b"Subject: x\r\n\r\nx")  # type: ignore[arg-type]
        assert client.select("Public/News") == ("OK", [b"1"])
        assert client.select(f"shared/{other.login}") == ("OK", [b"1"])
    driver.remove_account(leaver.login)
    assert left_in(sharing, leaver.login) == ""
    with imap(sharing) as client:
        sign_in(client, other.address, PASSWORD)
        assert client.select("INBOX") == ("OK", [b"1"])
        assert client.select("Public/News") == ("OK", [b"1"])
    driver.put_account(new())  # to whom that mail is no predecessor's
    with webmail(sharing, other.login) as client:
        assert [entry.name for entry in client.list_scripts()] == ["house"]
    driver.close()


def test_a_script_of_the_house_is_nobodys_own(sharing: Dovecot) -> None:
    """Where the operators say what it is called."""
    driver = driver_of(sharing)
    with pytest.raises(Refused):
        driver.put_account(new())
    told = driver_of(sharing, default_script="house")
    account = new()
    told.put_account(account)
    assert told.read_account(account.login) == account
    told.remove_account(account.login)


class TellsOfOthersToo:
    """A doveadm that lists what others share, as some versions may."""

    def __init__(self) -> None:
        self.held = {"INBOX": 2, "Work": 1, "shared/other/INBOX": 5, "Public/News": 7}
        self.deleted: list[str] = []

    def run(self, commands: Any) -> list[Outcome]:
        return [self._answer(name, parameters) for name, parameters in commands]

    def _answer(self, name: str, parameters: Any) -> Outcome:
        match name:
            case "mailboxStatus":
                rows = [{"mailbox": folder, "messages": str(n)} for folder, n in self.held.items()]
                return Outcome(rows)
            case "user":
                return Outcome([{"home": "/mail/anna"}])
            case "mailboxPath":
                folder = parameters["mailbox"]
                owner = "other" if folder.startswith("shared") else "public" if "/" in folder else "anna"
                return Outcome([{"path": f"/mail/{owner}/Maildir/.{folder}"}])
            case "expunge":
                self.held[parameters["query"][1]] = 0
            case "mailboxDelete":
                self.deleted += parameters["mailbox"]
                self.held = {name: n for name, n in self.held.items() if name not in parameters["mailbox"]}
        return Outcome([])


def test_nothing_is_ever_deleted_in_the_homes_of_others() -> None:
    doveadm = TellsOfOthersToo()
    erase_mail(doveadm, "anna")  # type: ignore[arg-type]
    assert doveadm.deleted == ["Work"]
    assert doveadm.held == {"INBOX": 0, "shared/other/INBOX": 5, "Public/News": 7}
    assert is_empty(doveadm, "anna")  # type: ignore[arg-type]
