"""From an auto-reply's row to what its script is made of."""

from vacation.models import AutoReply
from vacation.rendering import AutoReplyContent


def content_of(auto_reply: AutoReply) -> AutoReplyContent:
    mailbox = auto_reply.mailbox
    return AutoReplyContent(
        address=mailbox.address,
        name=mailbox.name,
        subject=auto_reply.subject,
        text=auto_reply.text,
        days=auto_reply.days,
        starts=auto_reply.starts,
        ends=auto_reply.ends,
        handle=f"portal-{mailbox.pk}-{auto_reply.absence}",
    )
