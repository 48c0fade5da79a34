"""The rows of the list of domains, drawn in one go, as those of the list of mailboxes are."""

from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext

from accounts.domain_list import Row
from portal.templatetags.domains import in_own_letters

register = template.Library()

ROW = """
<tr role="row">
<th role="rowheader" scope="row" class="anywhere"><a href="{url}">{name}</a>{ascii}{guessed}</th>
<td role="cell" data-label="{server_words}"><span>{server}</span></td>
<td role="cell" data-label="{mailbox_words}" class="number"><span>{mailboxes}</span></td>
<td role="cell" data-label="{reply_words}" class="number"><span>{auto_replies}</span></td>
</tr>"""


@register.simple_tag
def domain_rows(rows: Iterable[Row]) -> SafeString:
    """Names are escaped here; everything else is a number or our own."""
    words = {
        "server_words": escape(gettext("Mail server")),
        "mailbox_words": escape(gettext("Mailboxes")),
        "reply_words": escape(gettext("Auto-replies set")),
    }
    # Django takes its time to make an address; these differ in one part alone.
    before, after = reverse("accounts:list-mailboxes", args=["NAME"]).split("NAME")
    return SafeString("".join(_row(row, f"{before}{quote(row.name)}{after}", words) for row in rows))


def _row(row: Row, url: str, words: dict[str, str]) -> str:
    shown = in_own_letters(row.name)
    return ROW.format(
        **words,
        url=escape(url),
        name=escape(shown),
        ascii=f'<span class="under">{escape(row.name)}</span>' if shown != row.name else "",
        guessed=_guessed(row.guessed, url) if row.guessed else "",
        server=escape(row.server),
        mailboxes=row.mailboxes,
        auto_replies=row.auto_replies,
    )


def _guessed(count: int, url: str) -> str:
    told = ngettext("%(count)s password is easy to guess", "%(count)s passwords are easy to guess", count) % {
        "count": count
    }
    return f'<span class="under"><a href="{escape(url)}?show=guessed">{escape(told)}</a></span>'
