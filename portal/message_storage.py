"""What is told once on the next page: in a cookie of a name that no other host of the domain can plant."""

from typing import ClassVar

from django.conf import settings
from django.contrib.messages.storage.base import BaseStorage
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class MessageCookie(CookieStorage):
    cookie_name: str = settings.MESSAGES_COOKIE_NAME


class MessageStorage(FallbackStorage):
    """Django's own beside that name: what is too long for a cookie stands in the session."""

    storage_classes: ClassVar[tuple[type[BaseStorage], ...]] = (MessageCookie, SessionStorage)  # type: ignore[misc]
