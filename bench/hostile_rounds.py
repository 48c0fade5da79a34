"""The rounds of the hostile bench; imported once Django is set up.

Each hostile connection comes from a network of its own, so that no limit of tries holds it back: what is
measured is the work that a try costs, and whom it keeps waiting. It rests a moment after each answer, as a
program on another machine would by the way of its packets.
"""

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from statistics import median

import httpx

from accounts.models import Domain, DomainAdmin, Mailbox, Person
from accounts.passwords import hash_password
from bench.figures import Figure, figure
from bench.pages_rounds import TOKEN
from bench.stage import Stage
from bench.website import Website, get, serving
from mailservers.models import Server

CONNECTIONS = 24
# As docs/operations.md has them.
THREADS = 8
REST_SECONDS = 0.2
WARM_UP = 12
CLEAR = "a long enough one"
MAILBOX = "anna@d000.test"
Attack = Callable[[httpx.Client, str], httpx.Response]


def measure(stage: Stage, *, quick: bool) -> list[Figure]:
    readings = 30 if quick else 150
    # Whoever comes by the proxy on loopback is believed to come from where it says.
    os.environ["PORTAL_TRUSTED_PROXIES"] = "127.0.0.0/8"
    webmaster = build()
    found: list[Figure] = []
    with (
        serving(stage, THREADS) as website,
        website.visitor() as visitor,
        website.signed_in(webmaster) as browser,
    ):
        pages = {
            "help": partial(get, visitor, "/help/"),
            "mailbox": partial(get, browser, f"/mailboxes/{MAILBOX}/"),
        }
        alone = {name: times(page, readings) for name, page in pages.items()}
        found += [figure(f"{name}_ms", each, "ms") for name, each in alone.items()]
        for kind, attack in ATTACKS.items():
            with attacked(website, attack) as answers:
                for name, page in pages.items():
                    during = times(page, readings)
                    found.append(figure(f"{name}_during_{kind}_ms", during, "ms"))
                    ratio = median(during) / median(alone[name])
                    found.append(figure(f"{name}_during_{kind}_over_alone", [ratio], "times"))
            found += [
                figure(f"{kind}_{status}_per_second", [count], "/s")
                for status, count in rates(answers).items()
            ]
    return found


def build() -> Person:
    server = Server.objects.create(name="nowhere", kind="memory")
    domain = Domain.objects.create(name="d000.test", server=server)
    Mailbox.objects.create(
        address=MAILBOX,
        domain=domain,
        server=server,
        login="d0000001",
        quota_bytes=0,
        password_hash=hash_password(CLEAR),
    )
    webmaster = Person(username="willem")
    webmaster.set_password(CLEAR)
    webmaster.save()
    DomainAdmin.objects.create(person=webmaster, domain=domain)
    return webmaster


def times(page: Callable[[], httpx.Response], readings: int) -> list[float]:
    for _ in range(WARM_UP):
        page()
    found = []
    for _ in range(readings):
        began = time.perf_counter()
        page()
        found.append(1000 * (time.perf_counter() - began))
    return found


@contextmanager
def attacked(website: Website, attack: Attack) -> Iterator[list[tuple[float, int]]]:
    """So many connections try, one after the other each, until the block ends; when what was answered."""
    over, answers = threading.Event(), list[tuple[float, int]]()
    threads = [
        threading.Thread(target=keep_trying, args=(website, attack, number, over, answers), daemon=True)
        for number in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    time.sleep(1)
    try:
        yield answers
    finally:
        over.set()
        for thread in threads:
            thread.join(timeout=60)


def keep_trying(
    website: Website, attack: Attack, number: int, over: threading.Event, answers: list[tuple[float, int]]
) -> None:
    with website.visitor() as client:
        for turn in itertools.count():
            if over.is_set():
                return
            client.cookies.clear()
            answer = attack(client, f"198.{18 + number % 2}.{turn % 250}.{number + 1}")
            answers.append((time.monotonic(), answer.status_code))
            over.wait(REST_SECONDS)


def rates(answers: list[tuple[float, int]]) -> dict[str, float]:
    if len(answers) < 2:
        return {}
    seconds = answers[-1][0] - answers[0][0]
    counts = {status: sum(1 for _at, each in answers if each == status) for _at, status in answers}
    return {str(status): count / seconds for status, count in sorted(counts.items())}


def post(client: httpx.Client, path: str, source: str, **fields: str) -> httpx.Response:
    headers = {"X-Forwarded-For": source}
    page = client.get(path, headers=headers)
    token = TOKEN.search(page.text)
    if token is None:
        return page
    return client.post(path, data={"csrfmiddlewaretoken": token[1], **fields}, headers=headers)


def try_unknown(client: httpx.Client, source: str) -> httpx.Response:
    return post(client, "/sign-in/", source, username=f"nobody-{source}@d000.test", password=CLEAR + "x")


def try_mailbox(client: httpx.Client, source: str) -> httpx.Response:
    return post(client, "/sign-in/", source, username=MAILBOX, password=CLEAR + "x")


def ask_for_link(client: httpx.Client, source: str) -> httpx.Response:
    return post(client, "/forgotten-password/", source, name=f"nobody-{source}@d000.test")


ATTACKS: dict[str, Attack] = {"unknown": try_unknown, "wrong": try_mailbox, "forgotten": ask_for_link}
