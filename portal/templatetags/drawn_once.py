"""Parts of pages that are the same for everybody who reads in one language.

{% drawn_once %} words, icons, static files, addresses without a part that differs {% end_drawn_once %}
"""

from django import template
from django.template.base import Node, NodeList, Parser, Token
from django.template.context import Context
from django.utils.translation import get_language

register = template.Library()


class DrawnOnce(Node):
    """Kept by each process, for each language. A third of a page is drawn so, in no time."""

    # What is inside can hold no block that another template fills.
    child_nodelists = ()

    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist
        self.drawn: dict[str | None, str] = {}

    def render(self, context: Context) -> str:  # noqa: ARG002 - as Django calls it
        language = get_language()
        if language not in self.drawn:
            # It sees nothing of the page's context, so that nothing of a reader can get in.
            self.drawn[language] = self.nodelist.render(Context())
        return self.drawn[language]


@register.tag
def drawn_once(parser: Parser, _token: Token) -> DrawnOnce:
    nodelist = parser.parse(("end_drawn_once",))
    parser.delete_first_token()
    return DrawnOnce(nodelist)
