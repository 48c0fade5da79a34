"""Passwords in clear text, for servers that take no hash: sealed by web processes, opened by workers.

Whoever has the database and a web process's environment still has no password.
"""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop
from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, PublicKey, SealedBox

from mailservers.drivers.base import NewPassword, TryAgain
from mailservers.models import SealedPassword

if TYPE_CHECKING:
    from accounts.models import Mailbox

LIVES_FOR = timedelta(hours=24)


class NoSealingKey(Exception):
    """The portal has no key to seal passwords with, so it can hand none to such a server."""


@transaction.atomic
def seal(mailbox: "Mailbox", clear: str) -> None:
    """Keep the password for the next push, in place of an earlier one; raises NoSealingKey."""
    if not settings.SEALING_PUBLIC_KEY:
        raise NoSealingKey
    # The mailbox goes into the box as well: moved to another row, it opens nothing.
    content = json.dumps({"mailbox": mailbox.pk, "password": clear}).encode()
    box = SealedBox(PublicKey(settings.SEALING_PUBLIC_KEY))
    SealedPassword.objects.filter(mailbox=mailbox).delete()
    SealedPassword.objects.create(
        mailbox=mailbox, sealed=box.encrypt(content), expires_at=timezone.now() + LIVES_FOR
    )


def unseal(mailbox: "Mailbox") -> NewPassword | None:
    """What is to be told to the server, if anything; raises TryAgain in a process without the key."""
    kept = SealedPassword.objects.filter(mailbox=mailbox).first()
    if kept is None:
        return None
    if not kept.sealed or kept.expires_at <= timezone.now():
        return NewPassword(kept.pk, "")
    if not settings.SEALING_PRIVATE_KEY:
        raise TryAgain(_NOT_OURS)
    try:
        opened = SealedBox(PrivateKey(settings.SEALING_PRIVATE_KEY)).decrypt(bytes(kept.sealed))
    except CryptoError:
        raise TryAgain(_NOT_OURS) from None
    content = json.loads(opened)
    if content["mailbox"] != mailbox.pk:
        raise TryAgain(_NOT_OURS)
    return NewPassword(kept.pk, content["password"])


def erase(number: int) -> None:
    """The server has it; one that was sealed meanwhile stays."""
    SealedPassword.objects.filter(pk=number).delete()


def erase_expired() -> int:
    """How many have waited too long; that there was one stays known, so that its push can say so."""
    expired = SealedPassword.objects.filter(expires_at__lte=timezone.now()).exclude(sealed=b"")
    return expired.update(sealed=b"")


_NOT_OURS = gettext_noop(
    "The portal's workers lack the key that opens the new password. Tell the portal's operators."
)
