"""What people are told about a mail server beside a change of theirs."""

from django.utils.translation import gettext as _

from mailservers.models import Server


def with_server(done: str, server: Server) -> str:
    """A sentence about what was done, and whether the mail server hears of it now or once it can."""
    if server.is_away:
        then = _("%(server)s cannot be reached just now: it is told as soon as it is back.")
    elif server.paused_at or server.is_in_maintenance:
        then = _("%(server)s takes no changes just now: it is told as soon as it does.")
    else:
        then = _("The mail server is told now.")
    return f"{done} {then % {'server': server.name}}"
