"""An operator takes a server over in the browser; nobody else finds these pages (see test_urls)."""

from accounts.models import Mailbox
from adoption.models import Adoption
from adoption.tasks import adopt


def test_first_the_plan_then_the_mailboxes(client, operator, moses, virtualmin, jobs, committed):
    virtualmin.fill("big.test", 12)
    client.force_login(operator)
    with committed():
        page = client.post("/adoptions/", {"server": moses.pk, "only_domain": ""}, follow=True)
    assert "The server is being read" in page.content.decode()
    assert "hx-get" in page.content.decode()
    adopt(jobs[-1])
    page = client.get(f"/adoptions/{jobs[-1]}/")
    text = page.content.decode()
    assert "Ready to begin" in text
    assert "big.test" in text
    assert not Mailbox.objects.exists()
    with committed():
        client.post(f"/adoptions/{jobs[-1]}/begin/")
    adopt(jobs[-1])
    text = client.get(f"/adoptions/{jobs[-1]}/progress/").content.decode()
    assert "12 of 12 mailboxes looked at. Taken over: 12 mailboxes, 4 aliases." in text
    assert "hx-get" not in text
    assert Mailbox.objects.count() == 12
    assert "moses" in client.get("/adoptions/").content.decode()
    # Once more there is nothing to begin.
    page = client.post(f"/adoptions/{jobs[-1]}/begin/", follow=True)
    assert "cannot begin now" in page.content.decode()


def test_stop_and_go_on(client, operator, moses, virtualmin, jobs, committed):
    virtualmin.fill("big.test", 2)
    client.force_login(operator)
    with committed():
        client.post("/adoptions/", {"server": moses.pk, "only_domain": "Big.Test."})
    adopt(jobs[-1])
    with committed():
        client.post(f"/adoptions/{jobs[-1]}/begin/")
    page = client.post(f"/adoptions/{jobs[-1]}/stop/", follow=True)
    assert "Stopped" in page.content.decode()
    page = client.post(f"/adoptions/{jobs[-1]}/stop/", follow=True)
    assert "nothing to stop" in page.content.decode()
    with committed():
        client.post(f"/adoptions/{jobs[-1]}/begin/")
    adopt(jobs[-1])
    assert Adoption.objects.get().state == "done"


def test_what_cannot_be_read_is_told(client, operator, moses, virtualmin, jobs, committed):
    client.force_login(operator)
    with committed():
        client.post("/adoptions/", {"server": moses.pk, "only_domain": "nowhere.test"})
    adopt(jobs[-1])
    text = client.get(f"/adoptions/{jobs[-1]}/").content.decode()
    assert "There is no domain nowhere.test on moses" in text
    for name in ("a" * 70, "no domain", "kunde..test", "<b>"):
        page = client.post("/adoptions/", {"server": moses.pk, "only_domain": name})
        assert "is no name of a domain" in page.content.decode()
    assert Adoption.objects.count() == 1
