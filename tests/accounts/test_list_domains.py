from accounts.models import Domain

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
    assert (row.mailbox_count, row.auto_reply_count) == (1, 0)
