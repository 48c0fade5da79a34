"""Parts that are drawn once know a language and no reader."""

import pytest
from django.template import engines
from django.utils import translation


def draw(text, **context):
    page = engines["django"].from_string("{% load i18n drawn_once %}" + text)
    return lambda language, **more: _drawn(page, language, context | more)


def _drawn(page, language, context):
    with translation.override(language):
        return page.render(context)


def test_each_language_has_its_own_words():
    page = draw('{% drawn_once %}{% translate "Language" %}{% end_drawn_once %} {{ name }}')
    told = [page("nl", name="a"), page("en", name="b"), page("nl", name="c")]
    assert told == ["Taal a", "Language b", "Taal c"]


def test_nothing_of_a_reader_gets_in():
    page = draw("{% drawn_once %}{{ name }}{% end_drawn_once %}")
    with pytest.raises(AttributeError):
        page("en", name="Willem")
