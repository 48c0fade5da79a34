"""The reply as whoever writes to the mailbox would read it."""

from dataclasses import dataclass
from email import message_from_string, policy
from email.header import decode_header, make_header

from django.utils.translation import gettext as _

from vacation.content import content_of
from vacation.models import AutoReply
from vacation.rendering import around_place, reply_entity, reply_from, reply_subject


@dataclass(frozen=True, slots=True)
class Preview:
    """One reply; all of it went through the encoding that the real one goes through, and back."""

    reader: str
    sender: str
    subject: str
    text: str


def previews_of(auto_reply: AutoReply) -> list[Preview]:
    """What somebody inside and somebody outside the domain get; one when both get the same."""
    content = content_of(auto_reply)
    outside = _("somebody@example.org")
    texts = [(outside, content.outside_text or content.text)]
    if content.outside_text:
        texts.insert(
            0, (_("a colleague at %(domain)s") % {"domain": content.address.rpartition("@")[2]}, content.text)
        )
    return [
        Preview(
            reader=reader,
            sender=_decoded(reply_from(content.name, content.address)),
            subject=_subject_of(content.subject),
            text=_text_of(text),
        )
        for reader, text in texts
    ]


def _subject_of(subject: str) -> str:
    asked = _("Your question")
    if not subject:
        return f"Auto: {asked}"
    if around := around_place(subject):
        return asked.join(around)
    return _decoded(reply_subject(subject))


def _decoded(header: str) -> str:
    return str(make_header(decode_header(header)))


def _text_of(text: str) -> str:
    content = message_from_string(f"{reply_entity(text)}\n", policy=policy.default).get_content()
    return str(content).replace("\r\n", "\n").removesuffix("\n")
