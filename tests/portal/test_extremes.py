"""No stored value, however extreme, breaks a page that shows it."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.timezone import override as in_zone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from audit.chain import record
from audit.models import Event
from audit.sentences import _sentences, own_sentence_for, sentence_for, sentence_to_you
from mailservers.drivers.base import Limits, ReplyRule
from mailservers.drivers.fitting import _fit_reply
from mailservers.drivers.virtualmin_rows import _reply_options
from mailservers.models import Change, Observation, Server, say
from portal.templatetags.auto_replies import days_in_words, next_start, phase, phase_badge, this_end
from portal.templatetags.domains import in_own_letters
from portal.templatetags.event_rows import event_rows
from portal.templatetags.events import LABELS, all_differences, answer, differences
from portal.templatetags.programs import program_in_words
from portal.templatetags.servers import how_long
from portal.templatetags.sizes import size
from portal.templatetags.states import state_badge
from portal.templatetags.times import moment, weekday_and_moment
from vacation.models import AutoReply
from vacation.rendering import window_tests

NEW_YORK, KIRITIMATI = ZoneInfo("America/New_York"), timezone(timedelta(hours=14))
ZONES = ["UTC", "Europe/Brussels", "America/New_York", "Pacific/Kiritimati", "Asia/Kolkata"]
LANGUAGES = ["en", "nl", "fr", "de"]
FIXED = [UTC, KIRITIMATI, timezone(timedelta(hours=-12)), NEW_YORK, None]
ENDS = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
# In its zone it is an hour that the clocks leave out.
ENDS += [datetime(9999, 12, 31, 23, 59, tzinfo=UTC), datetime(2026, 3, 8, 2, 30, tzinfo=UTC)]
RIGHT_TO_LEFT = "\N{RIGHT-TO-LEFT OVERRIDE}"

moments = st.builds(
    lambda when, zone: when.replace(tzinfo=zone),
    st.sampled_from(ENDS) | st.datetimes(timezones=st.just(UTC)),
    st.sampled_from(FIXED),
)
texts = st.text(max_size=20) | st.sampled_from(
    [
        "",
        "\0",
        "\ud800",
        RIGHT_TO_LEFT,
        "ي" * 300,
        "x" * 300,
        "%(who)s %s %",
        "<b>",
        "9999-12-31T23:59:00+00:00",
    ]
)
numbers = st.integers() | st.sampled_from([0, -1, 2**63, -(2**63), 10**400])
plain = st.none() | st.booleans() | numbers | st.floats() | texts | moments.map(datetime.isoformat)
anything = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
told = st.none() | anything | st.dictionaries(st.sampled_from(sorted(LABELS)) | texts, anything, max_size=6)
often = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def read(*shown) -> None:
    """A page can be written with it."""
    for one in shown:
        str(one).encode()


@often
@given(st.none() | moments | plain, st.sampled_from(ZONES), st.sampled_from(LANGUAGES))
@example(datetime(9999, 12, 31, 23, 59, tzinfo=UTC), "Europe/Brussels", "nl")
@example(datetime(1, 1, 1, tzinfo=UTC), "America/New_York", "fr")
def test_a_moment_is_told_wherever_the_reader_is(value, zone, language):
    with in_zone(ZoneInfo(zone)), translation.override(language):
        read(moment(value), weekday_and_moment(value))


@often
@given(plain, st.sampled_from(LANGUAGES))
def test_a_size_is_told(value, language):
    with translation.override(language):
        read(size(value))


@often
@given(moments)
def test_it_is_told_how_long_ago(value):
    read(how_long(value))


@often
@given(texts)
def test_names_of_domains_and_programs_are_told(value):
    in_own_letters(value)
    program_in_words(value)


@often
@given(texts, st.none() | anything)
def test_a_reason_is_said_with_whatever_fills_it(reason, values):
    read(say(reason, values))
    read(say("The text has %(length)d characters; %(limit)d are possible.", values))


@often
@given(
    st.sampled_from(sorted(_sentences)) | st.just("gone.app"),
    told,
    told,
    st.sampled_from(LANGUAGES),
    st.sampled_from(ZONES),
)
@example("auto_reply.changed", None, {"ends": "9999-12-31T23:59:00+00:00"}, "nl", "Asia/Kolkata")
@example("auto_reply.changed", None, {"periods": [["0001-01-01T00:00:00+00:00"], 3]}, "de", "UTC")
@example("auto_reply.changed", None, {"weekdays": [0, 8, None, "x", 10**9]}, "fr", "UTC")
def test_an_event_is_told_whatever_it_keeps(verb, before, after, language, zone):
    event = Event(
        number=7,
        at=datetime.max.replace(tzinfo=UTC),
        verb=verb,
        before=before,
        after=after,
        subject="x" * 300,
        by_name=RIGHT_TO_LEFT * 300,
    )
    with in_zone(ZoneInfo(zone)), translation.override(language):
        found = [*differences(event), *all_differences(event)]
        read(*((each.label, each.before, each.after) for each in found), answer(event))
        read(sentence_for(event), own_sentence_for(event), sentence_to_you(event, "%"), event_rows([event]))
        read(render_to_string("accounts/_event.html", {"event": event, "user": None}))


@often
@given(
    st.booleans(),
    st.none() | moments.filter(lambda each: each.tzinfo),
    st.none() | moments.filter(lambda each: each.tzinfo),
    st.lists(st.tuples(plain, plain).map(list) | plain, max_size=3),
    st.lists(plain, max_size=3),
    st.sampled_from(LANGUAGES),
    st.sampled_from(ZONES),
)
def test_an_auto_reply_is_told_whatever_its_row_holds(enabled, starts, ends, periods, days, language, zone):
    reply = AutoReply(enabled=enabled, starts=starts, ends=ends, periods=periods, weekdays=days)
    with in_zone(ZoneInfo(zone)), translation.override(language):
        read(phase(reply), phase_badge(reply), next_start(reply), this_end(reply), days_in_words(reply))


@often
@given(
    st.sampled_from(Change.State.values),
    st.none() | moments,
    moments.filter(lambda each: each.tzinfo),
    texts,
    anything,
    st.sampled_from(ZONES),
)
def test_a_badge_is_drawn_whatever_the_change_holds(state, at, due, reason, values, zone):
    change = Change(
        pk=1, state=state, settled_at=at, next_attempt_at=due, reason=reason, reason_values=values, aspect="x"
    )
    change.server = Server(name="moses")
    with in_zone(ZoneInfo(zone)):
        read(state_badge(change))


@often
@given(anything)
def test_differences_are_told_whatever_a_look_has_found(found):
    part = Observation(differences=found, keeping=found, why_not="%(x)s")
    read(*part.differences_told, *part.keeping_told, part.why_not_text, part.mark)


@often
@given(moments.filter(lambda each: each.tzinfo))
def test_a_worker_writes_a_script_for_any_moment(value):
    assert window_tests(value, value)
    reply = ReplyRule("Away.", starts=value, ends=value)
    for zone in map(ZoneInfo, ZONES):
        assert _reply_options(_fit_reply(reply, Limits(reply_zone=zone.key)), zone)


@pytest.mark.parametrize("until", ["9999-12-31T23:59:00+00:00", "0001-01-01T00:00:00+00:00", "no moment"])
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/New_York"])
def test_a_history_survives_what_an_event_has_kept(client, mailbox, until, zone):
    record(
        "auto_reply.changed",
        by=mailbox.owner,
        about=mailbox,
        domain=mailbox.domain.name,
        before={"ends": None, "weekdays": [9]},
        after={"ends": until, "starts": until, "periods": [[until, until]], "quota_bytes": -1},
    )
    mailbox.owner.time_zone = zone
    mailbox.owner.save()
    client.force_login(mailbox.owner)
    assert client.get(f"/mailboxes/{mailbox.address}/history/").status_code == 200


@pytest.mark.parametrize("name", ["ends", "starts"])
@pytest.mark.parametrize("year", [1, 9999])
def test_pages_survive_a_row_from_before_there_were_bounds(client, mailbox, webmaster, name, year):
    moment_there = datetime(year, 1 if year == 1 else 12, 1 if year == 1 else 31, 23 * (year > 1), tzinfo=UTC)
    AutoReply.objects.create(mailbox=mailbox, enabled=True, text="Away.", **{name: moment_there})
    for zone in ("Asia/Kolkata", "America/New_York"):
        webmaster.time_zone = zone
        webmaster.save()
        client.force_login(webmaster)
        for page in ("", "auto-reply/", "forwarding/", "history/"):
            assert client.get(f"/mailboxes/{mailbox.address}/{page}").status_code == 200, (zone, page)
        for page in ("", "history/", "away/"):
            assert client.get(f"/domains/{mailbox.domain.name}/{page}").status_code == 200, (zone, page)
