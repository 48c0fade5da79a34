"""What each verb of the chain means in a person's words; every app registers its own."""

from django.utils.translation import gettext

from audit.models import Event

_sentences: dict[str, str] = {}


def register_verb(verb: str, sentence: str) -> None:
    """`sentence` is marked for translation where it is registered; %(who)s and %(what)s are filled in."""
    _sentences[verb] = sentence


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


def _who(event: Event) -> str:
    if event.who_digest:
        return gettext("Somebody whose name was erased")
    if event.on_behalf_of_name:
        return gettext("%(helper)s on behalf of %(owner)s") % {
            "helper": event.by_name,
            "owner": event.on_behalf_of_name,
        }
    return event.by_name or gettext("The portal")
