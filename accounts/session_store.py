"""Sessions in the database, with a column that tells whose they are (settings.SESSION_ENGINE).

The table holds a hash of each key: the key itself is in the browser's cookie alone, so that nobody who reads
the table gets in.
"""

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone

from accounts.codes import hash_of
from accounts.models import Person, PersonSession

# In the session: when it ends, however often it is visited, in seconds since the epoch.
ENDS_AT = "ends_at"

# Every request asks this, so it is one query, and by hand: Django takes longer to put one together than a
# database to answer it. With the person comes what the entries at the top of every page are made of.
READ = """
SELECT person.*, session.session_data,
    EXISTS (SELECT 1 FROM accounts_domainadmin WHERE person_id = session.person_id) AS is_webmaster,
    (
        SELECT address FROM accounts_mailbox
        WHERE owner_id = session.person_id AND deleted_at IS NULL ORDER BY address LIMIT 1
    ) AS first_address,
    (
        SELECT address FROM accounts_mailbox
        WHERE owner_id = session.person_id AND deleted_at IS NULL ORDER BY address LIMIT 1 OFFSET 1
    ) AS second_address
FROM accounts_personsession AS session
LEFT JOIN accounts_person AS person ON person.id = session.person_id
WHERE session.session_key = %s AND session.expire_date > %s
"""


class SessionStore(DatabaseStore):
    """The person is what Django's own sign-in wrote into the session."""

    person: Person | None = None
    """Whose it was when it was read, if anybody's; whether they may still sign in is not asked."""

    @classmethod
    def get_model_class(cls) -> type[PersonSession]:
        return PersonSession

    def load(self) -> dict[str, Any]:
        wanted = [hash_of(self.session_key or ""), timezone.now()]
        found: Any = next(iter(Person.objects.raw(READ, wanted)), None)
        if found is None:
            self._session_key = None
            return {}
        if found.pk is not None:
            found.has_domains = bool(found.is_webmaster)
            found.first_addresses = [each for each in (found.first_address, found.second_address) if each]
            self.person = found
        data: dict[str, Any] = self.decode(found.session_data)
        return data

    def create_model_instance(self, data: dict[str, Any]) -> PersonSession:
        row = super().create_model_instance(data)
        assert isinstance(row, PersonSession)  # noqa: S101 - of get_model_class
        row.session_key = hash_of(row.session_key)
        row.person_id = int(data[SESSION_KEY]) if SESSION_KEY in data else None
        if ENDS_AT in data:
            row.expire_date = min(row.expire_date, datetime.fromtimestamp(data[ENDS_AT], UTC))
        return row

    def exists(self, session_key: str) -> bool:
        return PersonSession.objects.filter(session_key=hash_of(session_key)).exists()

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            PersonSession.objects.filter(session_key=hash_of(key)).delete()
