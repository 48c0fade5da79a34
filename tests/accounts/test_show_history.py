from audit.chain import record
from mailservers import outbox

URL = "/mailboxes/anna@example.test/history/"


def test_it_tells_who_did_what_and_where_it_stands(client, mailbox, webmaster):
    event = record("auto_reply.switched_on", by=webmaster, about=mailbox, domain="example.test")
    change = outbox.request_push(mailbox, "script", event)
    client.force_login(mailbox.owner)
    page = client.get(URL).content.decode()
    assert "Your webmaster set an auto-reply for you" in page
    assert f'data-change="{change.pk}"' in page


def test_events_of_others_stay_out(client, mailbox, webmaster, domain):
    record("mailbox.created", by=webmaster, about=domain)
    client.force_login(mailbox.owner)
    assert client.get(URL).context["page"].rows == []


def test_a_long_history_has_pages(client, mailbox, webmaster, django_assert_max_num_queries):
    for _ in range(51):
        record("auto_reply.changed", by=webmaster, about=mailbox)
    client.force_login(mailbox.owner)
    with django_assert_max_num_queries(8):
        first = client.get(URL).context["page"]
    second = client.get(URL, {"before": first.before}).context["page"]
    assert [event.number for event in first.rows + second.rows] == list(range(51, 0, -1))
