"""Of two people with the same form of a domain the later one is told, and may replace what is there."""

import re

import pytest

from vacation.models import ReplyTemplate

RULES = {"shortest": "12", "strength": "3", "history": "3"}
DOMAIN = {"default_quota_bytes": "1 GB", "max_quota_bytes": "", "max_mailboxes": "40", "language": "nl"}
TEXT = {"title": "Away", "language": "nl", "subject": "", "text": "Ours."}


@pytest.fixture
def reply_template(domain):
    return ReplyTemplate.objects.create(domain=domain, title="Away", language="nl", text="As it was.")


@pytest.mark.parametrize(
    ("path", "typed", "theirs"),
    [
        ("password-rules/", RULES, {"shortest": "14"}),
        ("limits/", DOMAIN, {"max_mailboxes": "50"}),
        ("reply-templates/?template={}", TEXT, {"text": "Theirs."}),
    ],
)
def test_the_later_one_is_told_and_saves_again(client, operator, domain, reply_template, path, typed, theirs):
    client.force_login(operator, "accounts.backends.PersonBackend")
    url = "/domains/example.test/" + path.format(reply_template.pk)

    def save(seen, **values):
        return client.post(url, typed | values | {"server": domain.server_id, "seen": seen}).content.decode()

    def seen_in(page):
        return re.search(r'name="seen" value="(\w+)"', page)[1]

    seen = seen_in(client.get(url).content.decode())
    assert save(seen, **theirs) == ""
    told = save(seen)
    assert "Somebody else saved this meanwhile" in told
    assert next(iter(theirs.values())) in told
    assert save(seen_in(told)) == ""
