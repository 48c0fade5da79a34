"""What each verb of the chain means in a person's words; every app registers its own."""

from django.utils.translation import gettext

from audit.models import Event

_sentences: dict[str, str] = {}
# What whoever did it reads, and what the person reads whose mailbox or account it was done to.
_own: dict[str, str] = {}
_to_you: dict[str, str] = {}


def register_verb(verb: str, sentence: str) -> None:
    """`sentence` is marked for translation where it is registered; %(who)s and %(what)s are filled in."""
    _sentences[verb] = sentence


def register_in_person(verb: str, own: str = "", to_you: str = "") -> None:
    """The same to whoever did it ("You …"), and to whom it was done ("%(who)s … your …"): whole sentences.

    Marked for translation where they are registered. %(who)s of the second is filled with a role ("Your
    webmaster") or a name, %(what)s as ever. Without them everybody reads the sentence with names.
    """
    if own:
        _own[verb] = own
    if to_you:
        _to_you[verb] = to_you


def is_verb(verb: str) -> bool:
    return verb in _sentences


def told_without_names(verb: str) -> str:
    """The verb's sentence with nobody in it."""
    return gettext(_sentences[verb]) % {"who": "…", "what": "…"}


def verbs() -> list[tuple[str, str]]:
    """All verbs, each with its sentence with nobody in it, by sentence: for a list to choose from."""
    told = [(verb, told_without_names(verb)) for verb in _sentences]
    return sorted(told, key=lambda each: each[1].casefold())


def sentence_for(event: Event) -> str:
    """The event as a sentence in the reader's language."""
    sentence = _sentences.get(event.verb)
    if sentence is None:
        # Of an app that is not installed any more.
        return f"{_who(event)}: {event.verb}"
    return gettext(sentence) % {"who": _who(event), "what": event.subject or gettext("something erased")}


def own_sentence_for(event: Event) -> str:
    """As whoever did it reads it."""
    if event.verb not in _own:
        return sentence_for(event)
    return gettext(_own[event.verb]) % {"what": event.subject or gettext("something erased")}


def sentence_to_you(event: Event, who: str) -> str:
    """As the person reads it whose mailbox or account it was done to; `who` did it: a role, or a name."""
    sentence = _to_you.get(event.verb) or _sentences.get(event.verb)
    if sentence is None:
        return sentence_for(event)
    return gettext(sentence) % {"who": who, "what": event.subject or gettext("something erased")}


def _who(event: Event) -> str:
    if event.who_digest:
        return gettext("Somebody whose name was erased")
    if event.on_behalf_of_name:
        return gettext("%(helper)s on behalf of %(owner)s") % {
            "helper": event.by_name,
            "owner": event.on_behalf_of_name,
        }
    return event.by_name or gettext("The portal")
