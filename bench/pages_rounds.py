"""The rounds of the pages bench; imported once Django is set up."""

import re
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from statistics import median
from typing import Any

import httpx
from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from accounts import passwords
from accounts.models import Domain, DomainAdmin, Mailbox, Person
from bench.bare import QUERIES
from bench.figures import Figure, figure, percentile
from bench.stage import Stage
from bench.website import BARE, get, serving
from mailservers.models import Change, Observation, Server, Usage
from vacation.models import AutoReply

DOMAINS, SMALL, LARGE = 100, 100, 100_000
BIG = "d000.test"
GB = 1024**3
CLEAR = "a long enough one"
BROWSERS = 8
BATCH = 5_000
# Requests before any that count: templates are read and connections opened in every process.
WARM_UP = 16
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')

# Does one thing once, in a browser that is ready for it; with headers of its own.
Ask = Callable[..., httpx.Response]


@dataclass(frozen=True, slots=True)
class Round:
    """Milliseconds of a page's requests, and of the bare view's just before."""

    page: list[float]
    bare: list[float]

    @property
    def over_bare(self) -> float:
        return median(self.page) / median(self.bare)


def measure(stage: Stage, *, quick: bool) -> list[Figure]:
    rounds, readings, seconds, large = (3, 30, 1.0, 10_000) if quick else (7, 100, 3.0, LARGE)
    webmaster = build()
    with serving(stage) as website, ExitStack() as stack:
        browsers = [stack.enter_context(website.signed_in(webmaster)) for _ in range(BROWSERS)]
        bare = [partial(get, browser, BARE) for browser in browsers]
        small = compare(reading(browsers, SMALL, ("list", "search")), bare[0], rounds, readings)
        fill(Domain.objects.get(name=BIG), range(SMALL, large))
        tidy_up()
        everything = reading(browsers, large) | {
            "save": [saving(browser, number) for number, browser in enumerate(browsers)],
            "sign_in": [signing_in(stack.enter_context(website.visitor()), n) for n in range(BROWSERS)],
        }
        found = compare(everything, bare[0], rounds, readings)
        figures = [
            figure("list_growth", growth(small["list"], found["list"]), "×"),
            figure("search_growth", growth(small["search"], found["search"]), "×"),
        ]
        for name, asks in everything.items():
            figures += figures_of(name, asks, found[name], seconds)
        figures += [
            figure("bare_ms", [ms for one in found["list"] for ms in one.bare], "ms"),
            figure("bare_per_second_1", [per_second(bare[:1], seconds)], "/s"),
            figure(f"bare_per_second_{BROWSERS}", [per_second(bare, seconds)], "/s"),
        ]
    return figures


def reading(browsers: Sequence[httpx.Client], size: int, names: Sequence[str] = ()) -> dict[str, list[Ask]]:
    """The pages that only show something, of a domain of so many mailboxes; all, or those named."""
    domain, mailbox = reverse("accounts:list-mailboxes", args=[BIG]), f"m{size // 2:06}@{BIG}"
    pages = {
        "domains": reverse("accounts:list-domains"),
        "list": domain,
        "deep": f"{domain}?after=m{size * 9 // 10:06}@{BIG}",
        # A part of some twenty addresses, or of none where there are few.
        "search": f"{domain}?q={size * 7 // 10 + 37}"[:-1],
        "search_common": f"{domain}?q=m0",
        "mailbox": reverse("accounts:show-mailbox", args=[mailbox]),
        "history": reverse("accounts:show-history", args=[mailbox]),
    }
    return {
        name: [partial(get, browser, path) for browser in browsers]
        for name, path in pages.items()
        if name in (names or pages)
    }


def saving(browser: httpx.Client, number: int) -> Ask:
    """Saves an auto-reply, each browser that of another mailbox."""
    path = reverse("vacation:edit-auto-reply", args=[f"m{number + 10:06}@{BIG}"])
    token, saved = token_in(get(browser, path)), 0

    def save(headers: dict[str, str] | None = None) -> httpx.Response:
        nonlocal saved
        text = {"enabled": "on", "subject": "Away", "text": f"I am away.\n{saved}", "version": saved}
        answer = browser.post(path, data=text | {"csrfmiddlewaretoken": token}, headers=headers)
        saved += 1
        return expect_redirect(answer)

    return save


def signing_in(visitor: httpx.Client, number: int) -> Ask:
    """Signs a mailbox's user in, each visitor another one, always from a browser that was never there."""
    path = reverse("accounts:sign-in")
    token = token_in(get(visitor, path))
    cookie = visitor.cookies[settings.CSRF_COOKIE_NAME]
    given = {"username": f"m{number + 20:06}@{BIG}", "password": CLEAR, "csrfmiddlewaretoken": token}

    def sign_in(headers: dict[str, str] | None = None) -> httpx.Response:
        visitor.cookies.clear()
        visitor.cookies.set(settings.CSRF_COOKIE_NAME, cookie)
        return expect_redirect(visitor.post(path, data=given, headers=headers))

    return sign_in


def token_in(answer: httpx.Response) -> str:
    found = TOKEN.search(answer.text)
    if found is None:
        raise AssertionError(f"{answer.url} has no form")
    return found[1]


def expect_redirect(answer: httpx.Response) -> httpx.Response:
    if answer.status_code != 302:
        raise AssertionError(f"{answer.url} answered {answer.status_code} to a form")
    return answer


def compare(pages: dict[str, list[Ask]], bare: Ask, rounds: int, readings: int) -> dict[str, list[Round]]:
    """Page after page, the bare view before each, and all once more: whatever else the machine does, both
    feel it."""
    for ask in (bare, *(asks[0] for asks in pages.values())):
        for _ in range(WARM_UP):
            ask()
    found: dict[str, list[Round]] = {name: [] for name in pages}
    for number in range(rounds):
        for name, asks in pages.items():
            found[name].append(Round(bare=times(bare, readings), page=times(asks[0], readings)))
        said = ", ".join(f"{name} {median(found[name][-1].page):.1f}" for name in pages)
        print(f"round {number + 1}, in ms: {said}", flush=True)
    return found


def times(ask: Ask, readings: int) -> list[float]:
    found = []
    for _ in range(readings):
        began = time.perf_counter()
        ask()
        found.append(1000 * (time.perf_counter() - began))
    return found


def growth(before: Sequence[Round], after: Sequence[Round]) -> list[float]:
    """How much dearer a page became, measured by the bare view of the same minute."""
    return [now.over_bare / then.over_bare for then, now in zip(before, after, strict=True)]


def figures_of(name: str, asks: Sequence[Ask], rounds: Sequence[Round], seconds: float) -> list[Figure]:
    every = [ms for one in rounds for ms in one.page]
    answer = asks[0](headers={QUERIES: "1"})
    return [
        figure(f"{name}_queries", [int(answer.headers[QUERIES])], ""),
        figure(f"{name}_ms", every, "ms"),
        figure(f"{name}_p95_ms", [percentile(every, 0.95)], "ms"),
        figure(f"{name}_over_bare", [one.over_bare for one in rounds], "×"),
        figure(f"{name}_per_second_1", [per_second(asks[:1], seconds)], "/s"),
        figure(f"{name}_per_second_{len(asks)}", [per_second(asks, seconds)], "/s"),
        figure(f"{name}_bytes", [len(answer.content)], "B"),
    ]


def per_second(asks: Sequence[Ask], seconds: float) -> float:
    """Answers a second, with all browsers asking at once."""
    counts = [0] * len(asks)
    began = time.perf_counter()

    def ask(place: int) -> None:
        while time.perf_counter() < began + seconds:
            asks[place]()
            counts[place] += 1

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def build() -> Person:
    """Many small domains on one server, and the webmaster of them all."""
    server = Server.objects.create(name="bench", kind="memory")
    webmaster = Person(username="bench")
    webmaster.set_password(CLEAR)
    webmaster.save()
    for number in range(DOMAINS):
        domain = Domain.objects.create(name=f"d{number:03}.test", server=server)
        DomainAdmin.objects.create(person=webmaster, domain=domain)
        fill(domain, range(SMALL))
    tidy_up()
    return webmaster


def fill(domain: Domain, numbers: range) -> None:
    """Mailboxes that have been in use for a while."""
    for start in range(0, len(numbers), BATCH):
        fill_some(domain, numbers[start : start + BATCH])


def fill_some(domain: Domain, numbers: range) -> None:
    now, prefix = timezone.now(), domain.name.partition(".")[0]
    signs_in = passwords.hash_password(CLEAR)
    mailboxes = Mailbox.objects.bulk_create(
        Mailbox(
            address=f"m{n:06}@{domain.name}",
            domain=domain,
            server=domain.server,
            login=f"{prefix}{n:06}",
            name=f"Person {n}",
            quota_bytes=GB,
            password_hash=signs_in,
            recovery_address=f"p{n}@outside.test",
        )
        for n in numbers
    )
    make: list[tuple[Any, Callable[[Mailbox], Any]]] = [
        (
            Usage,
            lambda box: Usage(
                mailbox=box,
                bytes_used=box.pk * 977 % GB,
                messages=box.pk % 9999,
                wanted_bytes=GB,
                read_at=now,
            ),
        ),
        (
            Change,
            lambda box: Change(
                mailbox=box,
                aspect="account",
                server=domain.server,
                state=Change.State.LIVE,
                requested_at=now - timedelta(days=box.pk % 300),
                settled_at=now - timedelta(days=box.pk % 300),
            ),
        ),
        (Observation, lambda box: Observation(mailbox=box, aspect="account", fingerprint="f", seen_at=now)),
    ]
    for model, one_for in make:
        model.objects.bulk_create(one_for(box) for box in mailboxes)
    AutoReply.objects.bulk_create(
        AutoReply(mailbox=box, enabled=True, subject="Away", text="I am away.") for box in mailboxes[5::10]
    )


def tidy_up() -> None:
    """As PostgreSQL does by itself, some time after so many rows were written."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
