"""Auto-replies and forwarding in parts: Virtualmin holds what was put, and nothing else changes."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.virtualmin import Virtualmin
from mailservers.drivers.base import ForwardRule, MailRules, Refused, ReplyRule, ScriptState, TryAgain
from mailservers.drivers.fitting import fit_script
from mailservers.drivers.virtualmin import limits
from mailservers.drivers.virtualmin_api import Row
from mailservers.drivers.virtualmin_rows import rule_changes, rules_of

BRUSSELS = ZoneInfo("Europe/Brussels")
LIMITS = limits({"time_zone": "Europe/Brussels"})
LOGIN = "anna@a.test"


@pytest.fixture
def anna(virtualmin: Virtualmin) -> str:
    virtualmin.call("create-user", domain="a.test", user="anna", real="Anna", **{"pass": "x"})
    return LOGIN


def fitted(reply: ReplyRule | None = None, forward: ForwardRule | None = None) -> ScriptState:
    return fit_script(ScriptState("text", active=True, rules=MailRules(reply, forward)), LIMITS)


def held(virtualmin: Virtualmin) -> dict[str, Any]:
    found: dict[str, Any] = virtualmin.state()["a.test"]["users"]["anna"]
    return found


REPLIES = [
    ReplyRule("Away."),
    ReplyRule("Dear all,\n\nback on Monday.\n\n", days=1),
    ReplyRule("From: boss@elsewhere.test\nAnd more"),
    ReplyRule("\nAn empty line first"),
    ReplyRule("10:00-17:00 sind wir da, sonst nicht."),
    ReplyRule("\u00a0Retour: lundi"),
    ReplyRule("*Achtung*: Wir sind weg."),
    ReplyRule("Info/Hinweis: weg\nhttps://example.test/x: more"),
    ReplyRule("5 US$, $ TO, $to, $Subject"),
    ReplyRule("One\n.\n..\n.\nTwo"),
    ReplyRule("100 % \"quoted\" & <b> 'x' + €uro 👩‍💻 \\ and C:\\temp"),
    ReplyRule("A\ttabulator"),
    ReplyRule("--disable"),
    ReplyRule("x", starts=datetime(2026, 11, 25, 14, 30, tzinfo=UTC)),
    ReplyRule("x", ends=datetime(2026, 12, 7, 0, 0, tzinfo=BRUSSELS)),
    ReplyRule("x", starts=datetime(2026, 3, 1, tzinfo=UTC), ends=datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ReplyRule("x", subject="Virtualmin has none"),
]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.text[:12])
def test_a_reply_is_held_as_it_was_fitted(reply, anna, driver):
    wanted = fitted(reply, ForwardRule())
    for _ in range(2):
        driver.put_script(anna, wanted)
        assert driver.read_script(anna) == wanted
    account = driver.read_account(anna)
    assert account is not None
    assert account.enabled
    assert account.name == "Anna"


def test_the_second_time_nothing_is_sent(anna, driver, virtualmin):
    driver.put_script(anna, fitted(REPLIES[1]))
    virtualmin.steer(forget_calls=True)
    driver.put_script(anna, fitted(REPLIES[1]))
    assert [call["program"] for call in virtualmin.calls()] == ["list-users"]


def test_nothing_of_an_earlier_reply_comes_back(anna, driver, virtualmin):
    forward = ForwardRule(("home@elsewhere.test",))
    dated = ReplyRule(
        "first", starts=datetime(2026, 1, 1, tzinfo=UTC), ends=datetime(2026, 2, 1, tzinfo=UTC), days=3
    )
    driver.put_script(anna, fitted(dated, forward))
    driver.put_script(anna, fitted(None, forward))
    assert held(virtualmin)["reply"]["start"] == "2026-01-01"  # Virtualmin keeps what is off
    assert driver.read_script(anna) == fitted(None, forward)
    driver.put_script(anna, fitted(ReplyRule("second"), forward))
    assert driver.read_script(anna) == fitted(ReplyRule("second"), forward)
    assert held(virtualmin)["reply"]["period"] == str(7 * 86400)


def test_a_reply_answers_as_the_mailbox_even_if_the_text_says_otherwise(anna, driver, virtualmin):
    driver.put_script(anna, fitted(ReplyRule("From: boss@elsewhere.test\nPay at once.")))
    assert held(virtualmin)["reply"]["sender"] == '"Anna" <anna@a.test>'
    assert held(virtualmin)["reply"]["text"] == " From: boss@elsewhere.test\nPay at once.\n"


def as_the_responder_sends_it(text: str) -> tuple[dict[str, str], str]:
    """Headers and body, by the rules of Webmin's autoreply.pl, which reads bytes."""
    headers: dict[str, str] = {}
    lines = re.findall(r"[^\n]*\n|[^\n]+", text)
    for word in ("SUBJECT", "FROM", "TO", "DATE", "BODY"):
        lines = [line.replace(f"${word}", "of the mail") for line in lines]
    while lines and (found := re.match(r"(\S+):\s*(.*)", lines[0], re.ASCII)):
        headers[found[1]] = found[2]
        del lines[0]
    # sendmail, without -i, reads until there.
    return headers, "".join(lines).partition("\n.\n")[0]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: reply.text[:12])
def test_the_responder_sends_every_line_of_it_and_knows_whom_not_to_answer(reply):
    wanted = fitted(reply).rules.reply
    sent = dict(rule_changes(MailRules(wanted), MailRules(), BRUSSELS))["autoreply"].replace("\\n", "\n")
    headers, body = as_the_responder_sends_it(sent)
    assert body == wanted.text
    assert [line.strip() for line in body.strip().splitlines()] == [
        line.strip() for line in reply.text.expandtabs(4).strip().splitlines()
    ]
    assert set(headers) == {"No-Autoreply", "Charset"}
    assert "no-reply@*" in headers["No-Autoreply"].split()


@pytest.mark.parametrize(
    ("text", "word"),
    [("US$TOTAL", "$TO"), ("From $FROM.", "$FROM"), ("a$BODY", "$BODY"), ("x <BODY onload=y> z", "<BODY")],
)
def test_what_the_responder_would_put_something_else_for_is_refused_with_the_word(text, word):
    with pytest.raises(Refused) as refusal:
        fitted(ReplyRule(text))
    assert word in str(refusal.value.values["word"])


@pytest.mark.parametrize("text", ["C:\\new", "a\\nb", " \n ", "bell \x07", "half \ud800"])
def test_what_a_command_line_cannot_carry_is_refused_before_it_leaves(text):
    with pytest.raises(Refused):
        fitted(ReplyRule(text))


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 25, 22, 59, tzinfo=UTC), 25),
        (datetime(2026, 11, 25, 23, 0, tzinfo=UTC), 26),
        (datetime(2026, 11, 25, 0, 0, tzinfo=BRUSSELS), 25),
    ],
)
def test_a_reply_begins_with_the_day_of_its_first_moment(moment, day):
    reply = fitted(ReplyRule("x", starts=moment)).rules.reply
    assert reply.starts == datetime(2026, 11, day, tzinfo=BRUSSELS)


@pytest.mark.parametrize(
    ("moment", "first_day_without"),
    [
        (datetime(2026, 12, 7, 0, 0, tzinfo=BRUSSELS), 7),
        (datetime(2026, 12, 7, 0, 1, tzinfo=BRUSSELS), 8),
        (datetime(2026, 12, 7, 22, 59, tzinfo=UTC), 8),
    ],
)
def test_a_reply_ends_with_the_day_of_its_last_moment(moment, first_day_without):
    reply = fitted(ReplyRule("x", ends=moment)).rules.reply
    assert reply.ends == datetime(2026, 12, first_day_without, tzinfo=BRUSSELS)


@given(text=st.text(max_size=200).filter(str.strip))
def test_a_text_that_fits_is_one_argument_and_comes_back_to_the_letter(text):
    try:
        reply = fitted(ReplyRule(text)).rules.reply
    except Refused:
        return
    sent = reply.text.replace("\n", "\\n")
    assert "\n" not in sent
    told = Row("anna", {"autoreply_message": [sent + "\\n"], "autoreply_period": ["604800"]})
    assert rules_of(told, BRUSSELS).reply == reply


FORWARDS = [
    ForwardRule(("home@elsewhere.test",)),
    ForwardRule(("home@elsewhere.test", "a+b@x.test"), keep_copy=False),
    ForwardRule((), keep_copy=False),
]


@pytest.mark.parametrize("forward", FORWARDS)
@pytest.mark.parametrize("before", [None, *FORWARDS])
def test_forwarding_is_held_as_it_was_put(forward, before, anna, driver):
    if before is not None:
        driver.put_script(anna, fitted(None, before))
    for _ in range(2):
        driver.put_script(anna, fitted(None, forward))
        assert driver.read_script(anna) == fitted(None, forward)
    driver.put_script(anna, fitted())
    driver.put_script(anna, fitted(None, ForwardRule()))
    assert driver.read_script(anna) == ScriptState("", active=False, rules=MailRules(None, ForwardRule()))


def test_forwarding_that_is_not_the_portals_business_stays(anna, driver, virtualmin):
    virtualmin.call("modify-user", domain="a.test", user="anna", **{"add-forward": "own@elsewhere.test"})
    driver.put_script(anna, fitted(ReplyRule("Away.")))
    driver.put_script(anna, fitted(None))
    assert held(virtualmin)["forwards"] == ["own@elsewhere.test"]


def test_capital_letters_in_an_address_are_no_difference(anna, driver, virtualmin):
    wanted = fitted(None, ForwardRule(("home@elsewhere.test",), keep_copy=False))
    driver.put_script(anna, wanted)
    options = {"add-forward": "Home@Elsewhere.test", "del-forward": "home@elsewhere.test"}
    virtualmin.call("modify-user", domain="a.test", user="anna", **options)
    assert held(virtualmin)["forwards"] == ["Home@Elsewhere.test"]
    assert driver.read_script(anna) == wanted
    [report] = driver.read_scripts([anna], connections=1, seconds=10.0).values()
    assert (report.script, report.redirects) == (wanted, ("home@elsewhere.test",))
    driver.put_script(anna, wanted)
    assert held(virtualmin)["forwards"] == ["home@elsewhere.test"]


@pytest.mark.parametrize(
    "target", ["|/bin/x", "/var/x", ":include:/etc/passwd", "a b@c.test", "a@b.test\nc@d.test", "x"]
)
def test_only_addresses_are_forwarded_to(target):
    with pytest.raises(Refused, match="is not a mail address"):
        fitted(None, ForwardRule((target,)))


def test_rules_of_an_administrators_own_are_left_alone(anna, driver, virtualmin):
    virtualmin.change_behind_our_back("a.test", "anna", forwards=["|/usr/local/bin/sort"])
    with pytest.raises(Refused, match="file or program of its own"):
        driver.put_script(anna, fitted(ReplyRule("Away.")))
    driver.put_script(anna, fitted(None, ForwardRule()))
    assert held(virtualmin)["forwards"] == ["|/usr/local/bin/sort"]


def test_rules_of_a_mailbox_that_is_not_there(driver):
    for call in (lambda: driver.read_script(LOGIN), lambda: driver.put_script(LOGIN, fitted())):
        with pytest.raises(TryAgain, match="not on the mail server yet"):
            call()


def test_everything_about_a_mailbox_is_one_call(anna, driver, virtualmin):
    account = driver.read_account(anna)
    assert account is not None
    virtualmin.steer(forget_calls=True)
    driver.put_account(
        replace(account, name="Else", quota_bytes=4096, enabled=False, recovery_address="r@x.test")
    )
    assert [call["program"] for call in virtualmin.calls()] == ["list-users", "modify-user"]
