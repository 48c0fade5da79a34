"""The emptying of a mailbox's trash: an action, told to the server as a moment before which nothing stays.

Pushed again after a broken connection, or later than asked for, it deletes nothing that came after the
wish: the moment was fixed when somebody pressed the button.
"""

from dataclasses import dataclass

from django.utils.translation import gettext, ngettext

from accounts.models import Mailbox
from mailservers.aspects import Aspect
from mailservers.drivers.base import Driver
from quotas import asking


@dataclass(frozen=True, slots=True)
class EmptiedTrash:
    """Nothing lies in the trash since before this second (Unix time); `messages` do so nevertheless."""

    saved_before: int
    messages: int = 0


def desired_trash(mailbox: Mailbox) -> EmptiedTrash:
    return EmptiedTrash(mailbox.trash_emptying.saved_before)


def put_trash(driver: Driver, login: str, trash: EmptiedTrash) -> None:
    driver.empty_trash(login, trash.saved_before)


def read_trash_back(driver: Driver, login: str, trash: EmptiedTrash) -> EmptiedTrash:
    left = driver.trash(login, trash.saved_before)
    return EmptiedTrash(trash.saved_before, left.messages)


def never_read(_driver: Driver, _login: str) -> None:
    return None


def trash_differences(_wanted: EmptiedTrash, held: EmptiedTrash | None) -> list[str]:
    if held is None:
        return [gettext("the trash was not emptied")]
    left = ngettext(
        "%(count)d message is still in the trash", "%(count)d messages are still in the trash", held.messages
    )
    return [left % {"count": held.messages}]


def read_again(mailbox: Mailbox, _wanted: EmptiedTrash, _held: EmptiedTrash) -> None:
    """What the mailbox holds has changed: the page shall tell."""
    asking.ask(mailbox)


trash = Aspect(
    name="trash",
    desired=desired_trash,
    put=put_trash,
    read=never_read,
    read_back=read_trash_back,
    differences=trash_differences,
    noted=read_again,
    joins=("trash_emptying",),
)
