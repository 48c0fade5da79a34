"""Mail that an auto-reply must not answer, or that must not be sent on: docs/decisions/024.

The tests stand side by side, never one inside another: so webmail's forms read them, and keep them.
"""

from collections.abc import Iterator, Sequence

from vacation import sieve
from vacation.sieve import Argument, Tag, Test

# Where filters write what they found: SpamAssassin, Amavis and Rspamd, Barracuda, Bogofilter, DSPAM, CRM114,
# Vade; and ClamAV's and Amavis' about viruses. Points (X-Spam-Level, X-Spamd-Bar) are no finding.
VERDICT_HEADERS = (
    *("x-spam-flag", "x-spam-status", "x-spam", "x-barracuda-spam-flag", "x-barracuda-spam-status"),
    *("x-bogosity", "x-dspam-result", "x-crm114-status", "x-vr-spamstate", "x-virus-status"),
    "x-amavis-alert",
)
VERDICTS = ("yes*", "true*", "spam*", "infected*")

# No ? in these: Pigeonhole 0.5.19 takes "no?reply-*" for "no*".
_AFTER = ("", *(f"{sign}*" for sign in "-_.+="))
_NO_REPLY = tuple(f"no{sign}reply" for sign in "-_.")
NOBODY = (
    # Nobody's name ends like the first three. "casino-reply" is somebody's: so the others stand alone.
    *(
        f"{word}{after}"
        for word in ("*noreply", "*donotreply", "*do-not-reply", *_NO_REPLY, "*-no-reply", "*.no-reply")
        for after in _AFTER
    ),
    *(f"*{sign}{word}" for sign in "-_.+" for word in _NO_REPLY),
    # "bouncer" is somebody's, and so may be "jan.bounce".
    *(f"{word}{after}" for word in ("bounce", "bounces", "*-bounces") for after in _AFTER),
    *(f"{word}{digit}*" for word in ("noreply", "no-reply", "bounces") for digit in range(10)),
    *("*do_not_reply", "*do.not.reply", "*dontreply", "*dont-reply", "*-bounce"),
    *("*_bounces", "*+bounces", "*+bounces+*", "*=bounces-*"),
    *("*nepasrepondre", "*ne-pas-repondre", "*nietbeantwoorden", "*niet-beantwoorden", "*geen-antwoord"),
    *("*nichtantworten", "*nicht-antworten", "*nicht-beantworten", "*keine-antwort"),
    *("mailer-daemon*", "postmaster"),
)


def unmarked() -> Test:
    """Holds for mail that no filter has found to be spam or a virus."""
    return sieve.not_(sieve.header_matches(VERDICT_HEADERS, VERDICTS))


def from_somebody(addresses: Sequence[str]) -> tuple[Test, ...]:
    """Hold for mail that a person may have sent, to one of these addresses."""
    return (
        sieve.not_(sieve.envelope_name_matches(NOBODY)),
        sieve.not_(sieve.header_name_matches(("from", "reply-to"), NOBODY)),
        # Senders of many write whom each mail went to into its sender, to see from whom it comes back.
        sieve.not_(sieve.envelope_name_contains(tuple(each.replace("@", "=") for each in addresses))),
    )


def without_guard(tests: Sequence[Test]) -> Iterator[Test]:
    """The other tests; webmail writes a list of one as its one part."""
    for test in tests:
        match test:
            case Test(name="not", arguments=(), tests=(inner,)) if _is_guard(inner):
                continue
        yield test


def _is_guard(test: Test) -> bool:
    match test:
        case Test(name="envelope", arguments=(Tag("localpart"), Tag("contains"), part, names)):
            return _listed(part) == ("from",) and all("=" in name for name in _listed(names))
        case Test(name=name, arguments=arguments, tests=()):
            known = (unmarked(), *from_somebody(()))
            shape = tuple(map(_listed, arguments))
            return any(
                name == each.name and shape == tuple(map(_listed, each.arguments))
                for (each,) in (guard.tests for guard in known)
            )
    return False


def _listed(argument: Argument) -> tuple[str, ...]:
    match argument:
        case Tag(name):
            return (":", name)
        case tuple():
            return argument
        case _:
            return (str(argument),)
