"""Replies of a real Dovecot with Pigeonhole, as the stranger who wrote receives them."""

import datetime as dt
import itertools
import re
import ssl
from email.message import EmailMessage
from email.utils import parseaddr
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from sqlalchemy import create_engine, text

from fleet.certificates import CertificateAuthority
from fleet.clock import MovableClock
from fleet.dovecot import Dovecot
from fleet.sink import Sink
from fleet.users import private_directory
from mailservers.drivers.managesieve import ManageSieveClient
from mailservers.drivers.portal_script import PortalScript, compose
from tests.vacation.test_rendering import LINES, TEXTS, decoded
from vacation.rendering import AutoReplyContent, ForwardContent, render_script

HOUR = dt.timedelta(hours=1)
ACCOUNTS = 200

_numbers = itertools.count(1)

NASTY_TEXTS = {
    "ends without a line end": "I am away.",
    "ends with blank lines": "I am away.\n\n\n",
    "begins with blank lines": "\n\n  I am away.\n",
    "a line of 5000 characters": "x" * 5000 + "\nend\n",
    "a word of 3000 umlauts": "ü" * 3000 + " " + "end\n",
    "trailing blanks": "one \ntwo\t\nthree \t \n   \n\t\nend ",
    "lone dots": ".\n..\n.\n...\n. \nI am away.\n.",
    "emoji": "Gone fishing 🎣🇳🇱👩‍👩‍👧 \U0001f3f4\U000e0067\U000e0062\U000e007f\n",
    "right to left": "אני בחופשה עד 31.8.\n\u202bأنا في إجازة\u202c abc \u200f!\n",
    "variables": "${x} ${subject} ${1} ${unicode:0041} $ {} ${{}}\n",
    "quotes and backslashes": '"Hello" \\"Hello\\" \\\\ \\n \\ "\\\n""\n\\',
    "lines like separators": "From me\n>From you\nFrom: x\n--\n-- \n--=bound\nContent-Type: x\n\nend\n",
    "looks encoded": "=20=\n=C3=BC =?utf-8?q?x?= =\n==\n&lt;&#9731;\n",
    "looks like Sieve": '";\nstop;\n# "\ntext:\n.\n;\n/* */ redirect "x@y.test";\n',
    "rare characters": "\ufeffa\u00a0b\u2028c\u2029d\ufffde\U0010ffff\u00ad\u200b\ue000\n",
    "decomposed letters": "Cafe\u0301 is not Café\n",
    "only blanks": "  \n",
    "markup": '<script>alert(1)</script> <b>bold</b> &amp; &lt; <!-- x --> ]]> <a href="x">y</a>\n',
    "a spreadsheet's formula": '=HYPERLINK("http://x.test","y")\n+1\n-1\n@SUM(A1)\n\t=1\n',
    "places of formats": "%s %(name)s %d %% {0} {name} {{x}} {% x %} {{ x }} {subject} {until}\n",
    "letters upon letters": "Z\u0351\u036b\u0343\u036a\u0302a\u0322\u0321\u031ag\u0489" * 60 + "\n",
    "Chinese, Japanese and Korean": "我不在辦公室。\n不在にしております。～￥\n부재중입니다.\n" * 20,
    "Thai and Hindi": "ฉันไม่อยู่ที่สำนักงาน\nमैं कार्यालय से बाहर हूँ\n" * 20,
    "letters of mathematics": "𝔘𝔫𝔬 𝕏 𝟙𝟚𝟛 𝓐𝓑 ﬀ ﬁ Ⅷ ½ ①\n",
    "turned around by a sign": "\u202eevil.exe\u202c \u2066isolated\u2069 \u200d\u200c\n",
    "a thousand short lines": "x\n" * 1000,
    "lines as long as SMTP allows, and longer": "\n".join("y" * length for length in (997, 998, 999, 1000)),
    "a long link": "https://example.test/?" + "&".join(f"a{n}=%C3%BC%20{n}" for n in range(90)) + "\n",
    "lines of a multipart": "--===============1234==\nContent-Type: text/html\n\n<p>x</p>\n--===1234==--\n",
    "equals signs at the ends": "a=\nb==\nc=20=\n=\n=3D\n" + "=" * 80 + "\n",
    "hidden blanks": "a\u00a0b\u2003c\u3000d\u200be\u2060f\u180eg\ufeff\n",
}
NASTY_LINES = {
    "quotes and backslashes": '"Jan" \\ (boss) <x@y.test>, ;:@[]',
    "not ASCII": "Jörg „der Große“ Müller – Zürich",
    "long": "All of us are on holiday until the 31st of August and answer after that - the whole team",
    "long, and one letter not ASCII": "Wir sind alle bis zum 31. August im Urlaub und antworten danach – "
    "Ihr Team aus Muenchen",
    "blanks": "  two  blanks   and   a long tail of words that makes the server fold the line somewhere  ",
    "blanks around": "  Hello  ",
    "emoji": "🎣" * 30 + " 👩‍👩‍👧",
    "right to left": "אני בחופשה עד 31.8. \u200f!",
    "looks encoded": "=?utf-8?q?Hello?= a=?utf-8?b?SGVsbG8=?=",
    "variables": "${subject} $x %u %% %{user}",
    "one very long word": "x" * 120,
}
SILENT = {
    "a mailing list": {"List-Id": "<list.outside.test>"},
    "a list's other header": {"List-Unsubscribe": "<mailto:leave@outside.test>"},
    "bulk mail": {"Precedence": "bulk"},
    "a list's mail": {"Precedence": "list"},
    "junk": {"Precedence": "junk"},
    "a machine": {"Auto-Submitted": "auto-generated"},
    "another auto-reply": {"Auto-Submitted": "auto-replied (vacation)"},
    "Microsoft's wish": {"X-Auto-Response-Suppress": "OOF"},
}


class Account:
    """One mailbox, new for each test, and the strangers who write to it."""

    def __init__(self, servers: tuple[Dovecot, Sink], number: int) -> None:
        self.dovecot, self.sink = servers
        self.login, self.address = login_and_address(number)
        self.alias = f"info{number}@example.test"

    def set_forward(self, *targets, own_rules="", reply=None, **given) -> None:
        """Forward there, and after it run the mailbox's own rules."""
        script = render_script(reply, ForwardContent(targets=targets, **given))
        whole = compose(PortalScript(script, "own" if own_rules else ""))
        tls = ssl.create_default_context(cafile=str(self.dovecot.ca_file))
        with ManageSieveClient("localhost", self.dovecot.ports["sieve"], tls=tls) as sieve:
            sieve.authenticate(self.dovecot.master_user, self.dovecot.master_password, mailbox=self.login)
            if own_rules:
                sieve.put_script("own", own_rules)
            assert sieve.put_script("portal", whole) == ""
            sieve.set_active("portal")

    def set_reply(self, **given) -> AutoReplyContent:
        content = AutoReplyContent(
            **{
                "address": self.address,
                "aliases": (self.alias,),
                "text": "I am away.\n",
                "handle": "reply-1",
                **given,
            }
        )
        tls = ssl.create_default_context(cafile=str(self.dovecot.ca_file))
        with ManageSieveClient("localhost", self.dovecot.ports["sieve"], tls=tls) as sieve:
            sieve.authenticate(self.dovecot.master_user, self.dovecot.master_password, mailbox=self.login)
            assert sieve.put_script("portal", render_script(content)) == ""
            sieve.set_active("portal")
        return content

    def replies(self, *, sender=None, envelope_sender=None, to=None, recipient=None, **headers):
        """Deliver one mail from a stranger; the replies are there when the delivery is over."""
        sender = sender or f"ann{next(_numbers)}@outside.test"
        message = EmailMessage()
        message["From"] = sender
        message["To"] = self.address if to is None else to
        message["Subject"] = "Hello"
        message["Message-ID"] = f"<{sender}>"
        for name, value in headers.items():
            message[name] = value
        message.set_content("Hello.")
        self.sink.clear()
        self.dovecot.deliver(
            recipient or self.address, message, sender if envelope_sender is None else envelope_sender
        )
        return self.sink.messages()

    def reply(self, **given):
        [reply] = self.replies(**given)
        return reply

    def stored(self) -> int:
        line = self.dovecot.run_doveadm("mailbox", "status", "-u", self.login, "messages", "INBOX")
        return int(line.rpartition("=")[2])


def login_and_address(number: int) -> tuple[str, str]:
    return f"example{number:04}", f"jana{number}@example.test"


@pytest.fixture(scope="module")
def servers():
    with private_directory("delivery") as directory:
        sink = Sink(directory / "sink")
        dovecot = Dovecot("d", directory / "d", CertificateAuthority(directory / "ca"), sink.port)
        engine = create_engine(dovecot.sql_url)
        with engine.begin() as connection:
            connection.execute(
                text("INSERT INTO mailbox (login, address, password) VALUES (:login, :address, '')"),
                [
                    dict(zip(("login", "address"), login_and_address(number), strict=True))
                    for number in range(ACCOUNTS)
                ],
            )
        engine.dispose()
        sink.start()
        dovecot.start()
        yield dovecot, sink
        dovecot.stop()
        sink.stop()


@pytest.fixture(scope="module")
def account_numbers():
    return iter(range(ACCOUNTS))


@pytest.fixture
def account(servers, account_numbers):
    return Account(servers, next(account_numbers))


def text_of(reply: EmailMessage) -> str:
    return str(reply.get_content()).replace("\r\n", "\n")


def sender_of(reply: EmailMessage) -> tuple[str, str]:
    """Name and address, with blanks kept as they are: Python's own header objects alter some."""
    [folded] = [value for name, value in reply.raw_items() if name == "From"]
    name, address = parseaddr(re.sub(r"\r?\n", "", str(folded)))
    return decoded(name), address


def with_line_end(lines: str) -> str:
    return lines if lines.endswith("\n") else lines + "\n"


def test_one_stranger_gets_one_reply(account):
    account.set_reply(name="Jana Novak", subject="Out of office")
    reply = account.reply(sender="ann@outside.test")
    assert reply["X-Sink-From"] == "<>"
    assert reply["X-Sink-To"] == "ann@outside.test"
    assert reply["To"] == "ann@outside.test"
    assert sender_of(reply) == ("Jana Novak", account.address)
    assert reply["Subject"] == "Out of office"
    assert reply["In-Reply-To"] == "<ann@outside.test>"
    assert reply["Auto-Submitted"] == "auto-replied (vacation)"
    assert reply.get_all("MIME-Version") == ["1.0"]
    assert reply.get_content_type() == "text/plain"
    assert text_of(reply) == "I am away.\n"

    assert account.replies(sender="ann@outside.test") == []
    account.set_reply(text="Another text.")
    assert account.replies(sender="ann@outside.test") == []
    assert text_of(account.reply(sender="bob@outside.test")) == "Another text.\n"
    account.set_reply(handle="reply-2")
    assert account.replies(sender="ann@outside.test") != []
    assert account.stored() == 5


def test_without_a_subject_the_server_takes_the_mails(account):
    account.set_reply()
    reply = account.reply()
    assert reply["Subject"] == "Auto: Hello"
    assert sender_of(reply) == ("", account.address)


@pytest.mark.parametrize("lines", NASTY_TEXTS.values(), ids=NASTY_TEXTS)
def test_the_text_arrives_to_the_letter(account, lines):
    account.set_reply(text=lines)
    reply = account.reply()
    assert text_of(reply) == with_line_end(lines)
    assert max(map(len, reply.get_payload().splitlines())) <= 76


@pytest.mark.parametrize("line", NASTY_LINES.values(), ids=NASTY_LINES)
def test_subject_and_name_arrive_to_the_letter(account, line):
    account.set_reply(subject=line, name=line)
    reply = account.reply()
    assert reply["Subject"] == line
    assert sender_of(reply) == (line, account.address)


@pytest.mark.parametrize(
    "subject",
    [
        "我们公司正在放假请稍后再联系" * 6,
        "我们公司 正在放假 请稍后再联系 " * 4 + "谢谢",
        "🎉" * 60,
        "Ü" * 120,
    ],
)
def test_a_long_subject_without_a_latin_word_arrives_whole(account, subject):
    account.set_reply(subject=subject)
    assert account.reply()["Subject"] == subject


@pytest.fixture(scope="module")
def one_account(servers, account_numbers):
    return Account(servers, next(account_numbers))


@given(subject=LINES, name=LINES, lines=TEXTS)
@settings(max_examples=30, deadline=None)
def test_whatever_is_written_arrives_to_the_letter(one_account, subject, name, lines):
    one_account.set_reply(subject=subject, name=name, text=lines)
    reply = one_account.reply()
    assert reply["Subject"] == (subject or "Auto: Hello")
    assert sender_of(reply) == (name, one_account.address)
    assert text_of(reply) == with_line_end(lines)


@pytest.mark.parametrize("headers", SILENT.values(), ids=SILENT)
def test_automatic_mail_gets_no_reply(account, headers):
    account.set_reply()
    assert account.replies(**headers) == []
    assert account.stored() == 1
    assert len(account.replies()) == 1


def test_some_senders_get_no_reply(account):
    account.set_reply()
    assert account.replies(envelope_sender="") == []
    assert account.replies(sender=account.address) == []
    assert account.replies(sender=account.alias) == []
    assert account.replies(sender="MAILER-DAEMON@outside.test") == []
    assert account.stored() == 4


MARKED = {
    "SpamAssassin's and Amavis' flag": {"X-Spam-Flag": "YES"},
    "SpamAssassin's status": {"X-Spam-Status": "Yes, score=7.9 required=5.0 tests=BAYES_99"},
    "Rspamd's": {"X-Spam": "Yes"},
    "in small letters": {"x-spam": "yes"},
    "true": {"X-Spam-Flag": "true"},
    "Barracuda's": {"X-Barracuda-Spam-Status": "Yes, SCORE=6"},
    "Bogofilter's": {"X-Bogosity": "Spam, tests=bogofilter"},
    "a virus": {"X-Virus-Status": "Infected (Eicar-Test-Signature)"},
    "a virus, Amavis'": {"X-Amavis-Alert": "INFECTED, message contains virus: Eicar"},
}
UNMARKED = {
    "no spam, SpamAssassin's": {"X-Spam-Status": "No, score=-1.9", "X-Spam-Flag": "NO"},
    "points alone": {"X-Spam-Level": "***", "X-Spamd-Bar": "+++"},
    "no virus": {"X-Virus-Status": "Clean", "X-Virus-Scanned": "yes, clamav"},
    "somebody's words": {"Comments": "[SPAM] X-Spam-Flag: YES"},
}


@pytest.mark.parametrize("headers", MARKED.values(), ids=MARKED)
def test_mail_marked_as_spam_is_neither_answered_nor_sent_on_and_stays(account, headers):
    reply = AutoReplyContent(address=account.address, text="I am away.", handle="r")
    account.set_forward("one@home.test", reply=reply, keep_copy=False)
    assert account.replies(**headers) == []
    assert account.stored() == 1


@pytest.mark.parametrize("headers", UNMARKED.values(), ids=UNMARKED)
def test_mail_that_a_filter_found_good_is_answered_and_sent_on(account, headers):
    reply = AutoReplyContent(address=account.address, text="I am away.", handle="r")
    account.set_forward("one@home.test", reply=reply)
    assert len(account.replies(**headers)) == 2


NOBODY = [
    *("noreply", "no-reply", "no_reply", "no.reply", "NoReply", "NO-REPLY", "noreply-7f3a", "noreply+shop"),
    *("do-not-reply", "donotreply", "do_not_reply", "DoNotReply", "dont-reply", "noreply2", "no-reply.shop"),
    *("calendar-noreply", "shop.no-reply", "drive-shares-dm-noreply", "ne-pas-repondre", "nichtantworten"),
    *("niet-beantwoorden", "bounce", "bounces", "bounces-1234", "bounce+x=y", "BOUNCE-9", "list-bounces"),
    *("list-bounces+ann=outside.test", "bounce-mc.us1_12.34-ann=outside.test", "msprvs1=18xyz=bounces-12"),
    *("mailer-daemon", "MAILER-DAEMON", "postmaster", "bounces99"),
]
SOMEBODY = [
    *(
        "bouncer",
        "noreplymaster",
        "ann",
        "jan.bounce",
        "bouncy",
        "casino-reply",
        "reply",
        "noreen",
        "nora-replyn",
    ),
    # The envelopes of people's mail by BATV, and of mail that a forwarder sent on (SRS).
    *("prvs=0123abcdef=ann", "SRS0=Ab+C=XY=home.test=bob", "postmaster.jansen", "anna=b", "not.reply"),
]


@pytest.mark.parametrize("name", NOBODY)
def test_senders_that_read_no_answers_get_none(account, name):
    account.set_reply()
    machine = f"{name}@outside.test"
    assert account.replies(sender=machine) == []
    assert account.replies(sender=f"Shop <{machine}>", envelope_sender="mta@outside.test") == []
    assert account.replies(sender="ann@outside.test", envelope_sender=machine) == []
    assert account.stored() == 3


@pytest.mark.parametrize("name", SOMEBODY)
def test_people_whose_names_only_look_like_it_are_answered(account, name):
    account.set_reply()
    assert len(account.replies(sender=f"{name}@outside.test")) == 1


def test_who_wants_answers_at_a_no_reply_address_wants_none(account):
    account.set_reply()
    assert account.replies(**{"Reply-To": "no-reply@outside.test"}) == []


def test_a_sender_made_for_this_receiver_alone_gets_no_reply(account):
    """VERP: the sender of a mailing holds the receiver's address."""
    account.set_reply()
    for own in (account.address, account.alias):
        verp = f"news-{own.replace('@', '=')}@outside.test"
        assert account.replies(sender="news@outside.test", envelope_sender=verp) == []
        assert account.replies(sender="news@outside.test", envelope_sender=verp.upper()) == []


def test_a_no_reply_senders_mail_is_sent_on_all_the_same(account):
    reply = AutoReplyContent(address=account.address, text="I am away.", handle="r")
    account.set_forward("one@home.test", reply=reply)
    sent = account.replies(sender="no-reply@outside.test")
    assert [mail["X-Sink-To"] for mail in sent] == ["one@home.test"]


def test_an_address_with_the_signs_of_a_variable_is_one_in_the_guard_too(account):
    account.alias = "a${1}b@example.test"
    account.set_reply(aliases=(account.alias,), subject="Away: {subject}")
    verp = "news-ab=example.test@outside.test"
    assert len(account.replies(sender="ann@outside.test", envelope_sender=verp)) == 1


def test_a_blind_copy_gets_no_reply(account):
    account.set_reply()
    assert account.replies(to="team@outside.test") == []
    assert account.stored() == 1


def test_every_own_address_is_answered(account):
    account.set_reply(name="Jana")
    tagged = account.address.replace("@", "+shop@")
    answered = [
        account.reply(to=account.alias),
        account.reply(to="team@outside.test", Cc=account.alias.upper()),
        account.reply(to=tagged, recipient=tagged),
        account.reply(to=f"Bob <bob@outside.test>, Jana <{account.address}>"),
        account.reply(**{"Auto-Submitted": "no"}),
    ]
    assert {*map(sender_of, answered)} == {("Jana", account.address)}


@pytest.mark.parametrize(
    ("starts", "ends", "answered"),
    [
        (-HOUR, None, True),
        (HOUR, None, False),
        (None, HOUR, True),
        (None, -HOUR, False),
        (-HOUR, HOUR, True),
        (HOUR, 2 * HOUR, False),
        (-2 * HOUR, -HOUR, False),
        (dt.timedelta(0), None, True),
        (None, dt.timedelta(0), False),
        (-HOUR / 2, HOUR / 2, True),
        (-HOUR, -HOUR / 2, False),
        (HOUR / 2, HOUR, False),
    ],
)
@pytest.mark.parametrize(
    "offsets", [(0, 0), (1, 2), (2, 1)], ids=["UTC", "clocks go forward", "clocks go back"]
)
def test_the_window(account, starts, ends, answered, offsets):
    """The offsets at its two ends differ, as they do when daylight saving changes in between."""
    now = dt.datetime.now(dt.UTC)
    zones = [dt.timezone(dt.timedelta(hours=hours)) for hours in offsets]
    account.set_reply(
        starts=None if starts is None else (now + starts).astimezone(zones[0]),
        ends=None if ends is None else (now + ends).astimezone(zones[1]),
    )
    assert len(account.replies()) == answered


def test_a_moved_window_holds_at_once(account):
    now = dt.datetime.now(dt.UTC)
    account.set_reply(starts=now + HOUR)
    assert account.replies(sender="ann@outside.test") == []
    account.set_reply(starts=now - HOUR)
    assert len(account.replies(sender="ann@outside.test")) == 1
    account.set_reply(starts=now - 2 * HOUR, ends=now - HOUR)
    assert account.replies(sender="bob@outside.test") == []


def test_a_window_opens_and_closes_while_the_script_stands(account):
    starts = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(seconds=2)
    ends = starts + dt.timedelta(seconds=2)
    account.set_reply(starts=starts, ends=ends)
    seen = set()
    while (before := dt.datetime.now(dt.UTC)) < ends + dt.timedelta(seconds=0.5):
        answered = bool(account.replies())
        after = dt.datetime.now(dt.UTC)
        if any(before < limit <= after for limit in (starts, ends)):
            continue  # the server looked at the clock on one side of it or the other
        assert answered == (starts <= before < ends)
        seen.add(answered)
    assert seen == {True, False}


FORWARDED = {
    "plain mail": {},
    "a mailing list's": {"List-Id": "<list.outside.test>"},
    "bulk mail": {"Precedence": "bulk"},
    "a machine's": {"Auto-Submitted": "auto-generated"},
    "without a sender": {"envelope_sender": ""},
    "a blind copy": {"to": "undisclosed-recipients:;"},
    "with letters in its head": {"Comments": "Grüße – 🎣"},
    "nobody's to answer": {"sender": "no-reply@outside.test"},
}


@pytest.mark.parametrize("headers", FORWARDED.values(), ids=FORWARDED)
def test_all_mail_is_forwarded_once_to_each_target_and_a_copy_stays(account, headers):
    account.set_forward("one@home.test", "two@home.test")
    sent = account.replies(**headers)
    assert sorted(mail["X-Sink-To"] for mail in sent) == ["one@home.test", "two@home.test"]
    assert {mail["Subject"] for mail in sent} == {"Hello"}
    assert account.stored() == 1


def test_to_a_subaddress_too(account):
    account.set_forward("one@home.test")
    sent = account.replies(recipient=account.address.replace("@", "+tag@"))
    assert [mail["X-Sink-To"] for mail in sent] == ["one@home.test"]


def test_without_a_copy_nothing_stays(account):
    account.set_forward("one@home.test", keep_copy=False)
    assert len(account.replies()) == 1
    assert account.stored() == 0


def test_the_mailboxs_own_rules_still_run(account):
    account.set_forward("one@home.test", own_rules='redirect "own@home.test";\r\nkeep;\r\n')
    assert sorted(mail["X-Sink-To"] for mail in account.replies()) == ["one@home.test", "own@home.test"]
    assert account.stored() == 1


def test_after_its_end_all_mail_stays(account):
    account.set_forward("one@home.test", keep_copy=False, ends=dt.datetime.now(dt.UTC) - HOUR)
    assert account.replies() == []
    assert account.stored() == 1


@pytest.mark.parametrize("ends_in", [HOUR, -HOUR])
def test_only_while_away_it_goes_with_the_answer(account, ends_in):
    reply = AutoReplyContent(
        address=account.address, text="I am away.", handle="r", ends=dt.datetime.now(dt.UTC) + ends_in
    )
    account.set_forward("one@home.test", reply=reply, while_away=reply)
    sent = {mail["X-Sink-To"] for mail in account.replies(sender="ann@outside.test")}
    assert sent == ({"one@home.test", "ann@outside.test"} if ends_in > 0 * HOUR else set())
    assert account.stored() == 1


def test_a_target_that_refuses_costs_no_mail(account):
    account.set_forward("reject@home.test", "two@home.test", keep_copy=False)
    account.replies()
    assert account.stored() + len(account.sink.messages("two@home.test")) >= 1


def test_outsiders_and_colleagues_each_get_their_text(account):
    account.set_reply(text="Inside.\n", outside_text="Outside.\n")
    assert text_of(account.reply(sender="ann@outside.test")) == "Outside.\n"
    assert text_of(account.reply(sender="colleague@example.test")) == "Inside.\n"


def test_the_subject_of_the_mail_goes_into_that_of_the_reply(account):
    account.set_reply(subject="Weg – {subject} ${x}")
    assert decoded(account.reply()["Subject"]) == "Weg – Hello ${x}"


# --- with the server's clock moved


@pytest.fixture(scope="module")
def moved():
    """A whole server that goes by a clock of its own; its mailbox has a number that no other test uses."""
    with private_directory("clock") as directory:
        sink = Sink(directory / "sink")
        clock = MovableClock(directory / "clock", zone="America/New_York")
        clock.set(dt.datetime(2026, 3, 1, tzinfo=dt.UTC))
        dovecot = Dovecot(
            "c", directory / "d", CertificateAuthority(directory / "ca"), sink.port, clock=clock
        )
        engine = create_engine(dovecot.sql_url)
        login, address = login_and_address(999)
        with engine.begin() as connection:
            row = text("INSERT INTO mailbox (login, address, password) VALUES (:login, :address, '')")
            connection.execute(row, {"login": login, "address": address})
        engine.dispose()
        sink.start()
        dovecot.start()
        yield Account((dovecot, sink), 999), clock
        dovecot.kill()  # whose clock stands still does not end soon
        sink.stop()


def test_a_delivered_mail_is_answered_by_the_servers_clock_through_both_changes(moved):
    """LMTP, Pigeonhole, SMTP, all of it: the clock goes from one moment to the next, and mail comes."""
    account, clock = moved
    amsterdam = ZoneInfo("Europe/Amsterdam")

    def at(moment: str) -> dt.datetime:
        return dt.datetime.fromisoformat(f"2026-{moment}").replace(tzinfo=amsterdam)

    account.set_reply(
        starts=at("03-29 01:30"),
        ends=at("03-29 03:30"),
        further=((at("10-25 00:00"), at("10-25 03:00")), (at("10-31 00:00"), at("11-02 00:00"))),
        weekdays=(7,),
        zone="Europe/Amsterdam",
    )
    moments = {
        "03-29 01:29:59": 0,
        "03-29 01:30:00": 1,
        "03-29 03:00:00": 1,
        "03-29 03:29:59": 1,
        "03-29 03:30:00": 0,
        "10-24 23:59:59": 0,
        "10-25 00:00:00": 1,
        "10-25 02:59:59": 1,
        "10-25 03:00:00": 0,
        "10-31 23:59:59": 0,
        "11-01 00:00:00": 1,
        "11-01 23:59:59": 1,
        "11-02 00:00:00": 0,
    }
    found = {}
    for moment in moments:
        clock.set(at(moment))
        found[moment] = len(account.replies())
    assert found == moments
    assert account.stored() == len(moments)
