"""What each verb of the chain means in a person's words; every app registers its own."""

from django.utils.translation import gettext

from audit.models import Event

_sentences: dict[str, str] = {}


def register_verb(verb: str, sentence: str) -> None:
    """`sentence` is marked for translation where it is registered; %(who)s and %(what)s are filled in."""
    _sentences[verb] = sentence


def sentence_for(event: Event) -> str:
    """The event as a sentence in the reader's language."""
    who = event.by_name or gettext("The portal")
    return gettext(_sentences[event.verb]) % {"who": who, "what": event.subject}
