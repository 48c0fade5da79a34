"""A browser without a screen: cookies, forms with everything in them, links; no JavaScript."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from types import TracebackType
from typing import Self

import httpx

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
NOT_SENT = {"submit", "button", "image", "reset", "file"}


@dataclass(slots=True)
class Form:
    """A form as it was served: `values` is what would be sent, `names` are all of its controls."""

    action: str
    names: set[str] = field(default_factory=set)
    values: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Badge:
    """Where a change stands: the element with ``data-state``."""

    state: str
    change: str
    text: str = ""


class Page(HTMLParser):
    """What a page holds for the person who looks at it."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.url = str(response.url)
        self.path = response.url.path
        self.status = response.status_code
        self.was_redirected = bool(response.history)
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.badges: list[Badge] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self._badge_depth = 0
        self._textarea = ""
        self._select = ""
        self.feed(response.text)
        self.close()

    def badge_of(self, change: str) -> Badge:
        """LookupError when the page tells nothing of this change."""
        for badge in self.badges:
            if badge.change == change:
                return badge
        raise LookupError(f"{self.path} does not tell where change {change} stands.")

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def form_with(self, *names: str) -> Form:
        """The form with these controls; LookupError when the page has none."""
        for form in self.forms:
            if form.names.issuperset(names):
                return form
        raise LookupError(
            f"{self.path} (status {self.status}) has no form with {', '.join(names)}. "
            f"It says: {self.text[:500]}"
        )

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append(tag)
        if "data-state" in given:
            self.badges.append(Badge(given["data-state"], given.get("data-change", "")))
            self._badge_depth = len(self._open)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif self.forms and "form" in self._open and given.get("name"):
            self._take_control(tag, given)
        elif tag == "option" and self._select and "selected" in given:
            self.forms[-1].values[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if len(self._open) < self._badge_depth:
            self._badge_depth = 0
        if tag == "textarea":
            self._textarea = ""
        elif tag == "select":
            self._select = ""

    def handle_data(self, data: str) -> None:
        if self._textarea:
            form = self.forms[-1]
            # The line end right after the tag is no part of the value.
            first = not form.values[self._textarea]
            form.values[self._textarea] += data.removeprefix("\n") if first else data
        elif not {"script", "style"}.intersection(self._open):
            self.texts.append(data)
        if self._badge_depth:
            self.badges[-1].text += data

    def _take_control(self, tag: str, given: dict[str, str]) -> None:
        form, name, kind = self.forms[-1], given["name"], given.get("type", "text")
        if tag == "textarea":
            self._textarea = name
            form.values[name] = ""
        elif tag == "select":
            self._select = name
        elif tag != "input" or kind in NOT_SENT:
            return
        elif kind not in ("checkbox", "radio"):
            form.values[name] = given.get("value", "")
        elif "checked" in given:
            form.values[name] = given.get("value", "on")
        form.names.add(name)


class Browser:
    """One visitor of the portal, with cookies of their own."""

    def __init__(self, url: str) -> None:
        # No proxy from the environment: what is asked is on this machine.
        # English is chosen, whatever the domain's language is.
        self._client = httpx.Client(
            base_url=url,
            follow_redirects=True,
            timeout=30,
            trust_env=False,
            cookies={"django_language": "en"},
        )
        self._origin = url

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def open(self, path: str) -> Page:
        return Page(self._client.get(path))

    def follow(self, page: Page, end: str) -> Page:
        """The page behind the link whose address ends so; LookupError when there is none."""
        for link in page.links:
            if link.endswith(end):
                return Page(self._client.get(httpx.URL(page.url).join(link)))
        raise LookupError(
            f"{page.path} (status {page.status}) has no link to …{end}. It says: {page.text[:500]}"
        )

    def submit(self, page: Page, *, off: tuple[str, ...] = (), **typed: str) -> Page:
        """Fill in and send the form that has these controls; boxes named in `off` lose their tick."""
        form = page.form_with(*typed, *off)
        values = {name: value for name, value in (form.values | typed).items() if name not in off}
        # As browsers do, in every control.
        sent = {name: value.replace("\r\n", "\n").replace("\n", "\r\n") for name, value in values.items()}
        address = httpx.URL(page.url).join(form.action or page.url)
        return Page(
            self._client.post(address, data=sent, headers={"Origin": self._origin, "Referer": page.url})
        )
