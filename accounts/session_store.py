"""Sessions in the database, with a column that tells whose they are (settings.SESSION_ENGINE)."""

from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore

from accounts.models import PersonSession


class SessionStore(DatabaseStore):
    """The person is what Django's own sign-in wrote into the session."""

    @classmethod
    def get_model_class(cls) -> type[PersonSession]:
        return PersonSession

    def create_model_instance(self, data: dict[str, Any]) -> PersonSession:
        row = super().create_model_instance(data)
        assert isinstance(row, PersonSession)  # noqa: S101 - of get_model_class
        row.person_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        return row
