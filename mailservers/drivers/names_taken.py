"""Refusals of accounts and aliases of which a name, or the place for mail, is somebody else's already."""

from django.utils.translation import gettext_noop

from mailservers.drivers.base import Refused


def another_has(name: str) -> Refused:
    return Refused(gettext_noop("The mail server already has another mailbox named %(name)s."), name=name)


def mailbox_or_alias_has(name: str) -> Refused:
    """Where the server does not tell which of the two."""
    return Refused(
        gettext_noop("The mail server already has another mailbox or alias named %(name)s."), name=name
    )


def others_mail_lies_there(login: str) -> Refused:
    """A new account would get to see it."""
    return Refused(
        gettext_noop(
            "On the mail server there is mail or a script already under the login %(login)s, which is not"
            " this mailbox's. Ask whoever looks after the mail server to take it away, and then try again."
        ),
        login=login,
    )
