import pytest
from django.utils import timezone

from accounts.models import Alias, Domain, Mailbox, RedirectAlarm
from quotas.services import refuse_request, request_quota
from vacation.models import AutoReply, SettingRequest

URL = "/domains/"


def test_a_webmaster_sees_the_own_domains_only(client, webmaster, domain, other_domain):
    client.force_login(webmaster)
    page = client.get(URL).content.decode()
    assert "example.test" in page
    assert "elsewhere.test" not in page


def test_staff_sees_all(client, support, domain, other_domain):
    client.force_login(support)
    page = client.get(URL).content.decode()
    assert "example.test" in page
    assert "elsewhere.test" in page


def test_a_webmaster_without_domains_is_told_so(client, webmaster):
    client.force_login(webmaster)
    Domain.objects.all().delete()
    assert client.get(URL).status_code == 200
    assert "no domain" in client.get(URL).content.decode().lower()


def test_it_counts_mailboxes_and_auto_replies(client, webmaster, mailbox):
    client.force_login(webmaster)
    [row] = client.get(URL).context["domains"]
    assert (row.mailboxes, row.auto_replies) == (1, 0)


def test_who_can_give_room_sees_where_somebody_asks_for_it(
    client, webmaster, support, owner, mailbox, other_domain
):
    asked = request_quota(mailbox, by=owner)
    for page in (URL, f"{URL}example.test/"):
        client.force_login(webmaster)
        answer = client.get(page)
        assert [(domain.name, count) for domain, count in answer.context["quota_requests"]] == [
            ("example.test", 1)
        ]
        assert 'href="/domains/example.test/usage/#requests"' in answer.content.decode()
        # The help desk decides nothing.
        client.force_login(support)
        assert client.get(page).context["quota_requests"] == []
    refuse_request(asked, by=webmaster)
    client.force_login(webmaster)
    assert "asks for more room" not in client.get(URL).content.decode()


def test_requests_in_other_domains_are_not_told(client, other_domain, stranger, webmaster):
    request_quota(other_domain.mailboxes.get(), by=stranger)
    client.force_login(webmaster)
    assert client.get(URL).context["quota_requests"] == []


@pytest.mark.sql
def test_each_kind_of_count_is_of_the_own_domain_and_of_what_is_there(
    client, webmaster, support, mailbox, other_domain, stranger
):
    now = timezone.now()
    for box in (mailbox, other_domain.mailboxes.get()):
        AutoReply.objects.create(mailbox=box, enabled=True, text="Away.")
        Mailbox.objects.filter(pk=box.pk).update(guessed_at=now)
        ask = {"before": {}, "wanted": {}, "setting": "auto_reply"}
        SettingRequest.objects.create(mailbox=box, **ask)
        RedirectAlarm.objects.create(mailbox=box)
        alias = Alias.objects.create(address=f"info@{box.domain.name}", domain=box.domain, deleted_at=now)
        RedirectAlarm.objects.create(alias=alias)
    client.force_login(webmaster)
    context = client.get(URL).context
    [row] = context["domains"]
    assert (row.mailboxes, row.guessed, row.auto_replies, row.wanting_approval, row.alarms) == (1, 1, 1, 1, 2)
    assert {alarm.subject.domain for alarm in context["alarms"]} == {mailbox.domain}
    client.force_login(support)
    assert [row.alarms for row in client.get(URL).context["domains"]] == [2, 2]
    Mailbox.objects.update(deleted_at=now)
    RedirectAlarm.objects.update(acknowledged_at=now)
    client.force_login(webmaster)
    [row] = client.get(URL).context["domains"]
    assert row[3:] == (0,) * 6
