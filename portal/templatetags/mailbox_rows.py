"""The rows of the list of mailboxes, drawn in one go: a template takes as long for each as for a page."""

from collections.abc import Iterable
from html import escape

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from accounts.mailbox_list import Row
from portal.templatetags.auto_replies import phase_badge
from portal.templatetags.sizes import room_used
from portal.templatetags.states import state_badge
from vacation.phases import change_of_reply, whose_scripts_differ

register = template.Library()

ROW = """
<tr role="row">{choose}
<th role="rowheader" scope="row" class="anywhere"><a href="{url}">{address}</a>{name}{note}</th>
<td role="cell" data-label="{login_words}" class="login anywhere"><span>{login}</span></td>
<td role="cell" data-label="{room_words}" class="number"><span>{room}</span></td>
<td role="cell" data-label="{reply_words}" class="wide">{reply}</td>
<td role="cell" data-label="{change_words}" class="wide" data-about="{address}">{change}</td>
</tr>"""

CHOOSE = (
    '<td role="cell" class="choose"><input class="form-check-input" type="checkbox" name="mailbox"'
    ' value="{address}" form="many" aria-label="{address}">'
    '<input type="hidden" name="on_page" value="{address}" form="many"></td>'
)


@register.simple_tag
def mailbox_rows(rows: Iterable[Row], *, choosable: bool = False) -> SafeString:
    """Whatever people wrote is escaped here; badges are safe when they are made."""
    words = {
        "login_words": escape(gettext("Login")),
        "room_words": escape(gettext("Room for mail")),
        "reply_words": escape(gettext("Auto-reply")),
        "change_words": escape(gettext("Newest change")),
    }
    rows = list(rows)
    differing = whose_scripts_differ([row.mailbox for row in rows])
    return SafeString(
        "".join(
            ROW.format(
                **words,
                choose=CHOOSE.format(address=escape(row.mailbox.address)) if choosable else "",
                url=escape(row.url),
                address=escape(row.mailbox.address),
                name=f'<span class="under"><bdi>{escape(row.mailbox.name)}</bdi></span>'
                if row.mailbox.name
                else "",
                note=f'<span class="under">{escape(str(row.note))}</span>' if row.note else "",
                login=escape(row.mailbox.login),
                room=escape(room_used(row.mailbox)),
                reply=phase_badge(
                    getattr(row.mailbox, "auto_reply", None),
                    change_of_reply(row.changes),
                    differs=row.mailbox.pk in differing,
                ),
                change=state_badge(row.change),
            )
            for row in rows
        )
    )
