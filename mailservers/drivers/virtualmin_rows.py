"""What Virtualmin's lists say of mailboxes, in the portal's terms, and rules in Virtualmin's."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mailservers.drivers.base import (
    OWN_HASH,
    AccountState,
    AliasState,
    ForwardRule,
    FoundMailbox,
    MailRules,
    ReplyRule,
    UsageState,
)
from mailservers.drivers.virtualmin_api import Parameters, Row
from mailservers.moments import within

BLOCK = 1024
DAY_SECONDS = 86_400
# The hashes that create-user takes are crypt(3)'s, without Dovecot's name of the scheme.
CRYPT_SCHEMES = ("SHA512-CRYPT", "BLF-CRYPT", "SHA256-CRYPT", "CRYPT")
_BY_PREFIX = {
    "$6$": "SHA512-CRYPT",
    "$5$": "SHA256-CRYPT",
    "$2a$": "BLF-CRYPT",
    "$2b$": "BLF-CRYPT",
    "$2y$": "BLF-CRYPT",
}


def is_mailbox(row: Row) -> bool:
    """Not a user of a database or web site alone, nor the domain's owner."""
    return bool(row.first("unix_username")) and row.first("user_type") in ("", "Normal user")


def address_of(row: Row) -> str:
    """Empty while mail is switched off for it, or another one has taken its address."""
    return row.first("email_address")


def addresses_of(row: Row) -> set[str]:
    """All that lead to it, in lower case."""
    return {
        address.lower() for address in [address_of(row), *row.first("extra_addresses").split()] if address
    }


def is_enabled(row: Row) -> bool:
    return row.first("disabled") != "Yes"


def quota_of(row: Row) -> int | None:
    """Bytes, 0 for no limit; None on a server without quotas."""
    told = row.first("home_byte_quota")
    return int(told) if told.isascii() and told.isdigit() else None


def account_of(row: Row, login: str, *, quotas: bool) -> AccountState:
    unix = row.first("unix_username")
    return AccountState(
        login=login,
        address=address_of(row),
        password_hash=OWN_HASH,
        quota_bytes=(quota_of(row) or 0) if quotas else 0,
        enabled=is_enabled(row),
        name=row.first("real_name").strip(),
        recovery_address=row.first("recovery_email_address"),
        kept_hash=dovecot_hash(row.first("encrypted_password")),
        kept_login=unix,
    )


def usage_of(row: Row, login: str) -> UsageState | None:
    told = row.first("home_byte_quota_used") or row.first("mail_file_byte_size")
    if not (told.isascii() and told.isdigit()):
        return None
    return UsageState(login=login, bytes_used=int(told), messages=None, quota_bytes=quota_of(row))


def found_mailbox(row: Row, zone: ZoneInfo, *, quotas: bool) -> FoundMailbox:
    """As an inventory tells it: with the hash, and the name to sign in with as its login."""
    unix = row.first("unix_username")
    account = account_of(row, unix, quotas=quotas)
    others = addresses_of(row) - {account.address.lower()}
    rules = None if managed_elsewhere(row) else rules_of(row, zone)
    return FoundMailbox(account, rules, tuple(sorted(others)))


# --- rules

# Senders that read no answers, by their whole names: the responder knows no other way that stays one line
# however often it is set. Without the other setting it says that a text in UTF-8 were Latin-1.
NOBODY = ("noreply", "no-reply", "no_reply", "no.reply", "donotreply", "do-not-reply", "do_not_reply")
BOUNCES = ("bounce", "bounces")
RESPONDER_SETTINGS = (
    f"No-Autoreply: {' '.join(f'{name}@*' for name in (*NOBODY, *BOUNCES))}\nCharset: UTF-8\n"
)


def managed_elsewhere(row: Row) -> bool:
    """Its mail goes to a file or a program of somebody's own: then nothing of it is told."""
    return (
        row.first("deliver_to_user") != "Yes"
        and not row.first("forward")
        and not row.first("autoreply_message")
    )


def rules_of(row: Row, zone: ZoneInfo) -> MailRules:
    """What is in force; left-overs of a reply that is off do not count."""
    targets = tuple(sorted(row.values.get("forward", [])))
    forward = ForwardRule(targets, keep_copy=row.first("deliver_to_user") == "Yes" or not targets)
    message = row.first("autoreply_message")
    if not message:
        return MailRules(None, forward)
    end = _day(row.first("autoreply_end"))
    period = row.first("autoreply_period")
    reply = ReplyRule(
        text=message.replace("\\n", "\n").rstrip("\n"),
        starts=_midnight(_day(row.first("autoreply_start")), zone),
        ends=_midnight(end and end + timedelta(days=1), zone),
        days=int(period) // DAY_SECONDS if period.isascii() and period.isdigit() else 0,
    )
    return MailRules(reply, forward)


def rule_changes(wanted: MailRules, held: MailRules, zone: ZoneInfo) -> list[tuple[str, str | None]]:
    """The options that bring a mailbox from what it holds to what is wanted; empty when there is nothing."""
    options: list[tuple[str, str | None]] = []
    if wanted.reply is not None and wanted.reply != held.reply:
        options += _reply_options(wanted.reply, zone)
    elif wanted.reply is None and held.reply is not None:
        options.append(("no-autoreply", None))
    if wanted.forward is not None and wanted.forward != held.forward:
        before = held.forward.targets if held.forward else ()
        options += [("add-forward", target) for target in wanted.forward.targets if target not in before]
        options += [("del-forward", target) for target in before if target not in wanted.forward.targets]
        options.append(("local" if wanted.forward.keep_copy else "no-local", None))
    return options


def _reply_options(reply: ReplyRule, zone: ZoneInfo) -> Parameters:
    """All of them each time: what is left out would come back from an earlier reply."""
    text = f"{RESPONDER_SETTINGS}{reply.text}".replace("\n", "\\n")
    options: list[tuple[str, str | None]] = [("autoreply", text)]
    starts, ends = (each and within(each).astimezone(zone) for each in (reply.starts, reply.ends))
    last = ends and ends - timedelta(microseconds=1)
    for name, moment in (("start", starts), ("end", last)):
        if moment is None:
            options.append((f"no-autoreply-{name}", None))
        else:
            options.append((f"autoreply-{name}", moment.date().isoformat()))
    options.append(("autoreply-period", str(reply.days * DAY_SECONDS)))
    return options


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), zone)


# --- passwords and aliases


def crypt_hash(password_hash: str) -> str:
    """A hash as create-user takes it; empty when its scheme is none of crypt(3)'s."""
    scheme, _, bare = password_hash.removeprefix("{").partition("}")
    return bare if password_hash.startswith("{") and scheme in CRYPT_SCHEMES else ""


def dovecot_hash(told: str) -> str:
    """A hash from /etc/shadow, with the name Dovecot has for its scheme; empty when there is none."""
    bare = told.removeprefix("!")
    if len(bare) < 13:  # *, or no password at all
        return ""
    scheme = next((name for prefix, name in _BY_PREFIX.items() if bare.startswith(prefix)), "CRYPT")
    return f"{{{scheme}}}{bare}"


def alias_of(row: Row) -> AliasState:
    return AliasState(row.name.lower(), tuple(row.values.get("to", [])))
