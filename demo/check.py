"""Does what people do with the portal, over HTTP and with real mail, and fails with a sentence."""

import imaplib
import smtplib
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any

import httpx
from passlib.hash import sha512_crypt

from demo.browser import Browser, Page
from demo.codes import next_code
from demo.mail import mail_from_outside
from demo.passwords import readable_password
from demo.sample import AUTO_REPLIES, DOMAINS
from demo.steps import printed
from demo.world import LOOPBACK, MailboxSignIn, World
from fleet.processes import NotReady

LIVE_WITHIN_SECONDS = 20.0
MINUTES = "%Y-%m-%dT%H:%M"

COLLEAGUE = "anna.peeters@example.test"  # whose auto-reply the webmaster sets
USER = "clara.hoffmann@kapellmeister.test"  # who sets their own
SIMULATED_USER = "marie.duval@atelierduval.test"
SUBJECT = "Zurück am Montag – “à bientôt” 🏖"
TEXT = """Dear reader,

I am away until Monday; "urgent" things go to the front desk, C:\\desk.
The line below holds one dot, and this one a ${variable}.
.
..and two dots. Ça va? Grüße! שלום 😀
    -- Anna
From here on there is nothing more."""


class CheckFailed(Exception):
    """A sentence, and the names of the logs that may tell why."""

    def __init__(self, sentence: str, logs: tuple[str, ...]) -> None:
        super().__init__(sentence)
        self.logs = logs


@contextmanager
def proving(title: str, *logs: str) -> Iterator[None]:
    """A printed step; what goes wrong in it is told with these logs."""
    try:
        with printed(title):
            yield
    except (
        AssertionError,
        LookupError,
        NotReady,
        OSError,
        httpx.HTTPError,
        imaplib.IMAP4.error,
        smtplib.SMTPException,
    ) as failure:
        raise CheckFailed(f"{title}: {failure or type(failure).__name__}", logs) from failure


def require(fact: object, sentence: str) -> None:
    """The sentence, unless it is as it should be; unlike assert also when Python optimises."""
    if not fact:
        raise AssertionError(sentence)


def check(world: World) -> None:
    """Each step is printed with its time; raises `CheckFailed` at the first that goes wrong."""
    check_webmaster(world)
    check_mailbox_user(world)
    check_simulated_server(world)
    with proving("The chain of audit events is whole", "manage"):
        world.manage("verify_audit")


def check_webmaster(world: World) -> None:
    """The main job: an auto-reply for somebody else's mailbox, and what strangers get of it."""
    server = world.server_of(COLLEAGUE)
    webmaster = next(person for person in world.people if person.role == "webmaster")
    logs = ("web", "worker", server.name)
    with Browser(world.url) as browser:
        with proving(f"Webmaster {webmaster.login} signs in", "web"):
            home = sign_in(browser, *webmaster.credentials)
        with proving(f"Opens the auto-reply of {COLLEAGUE} without its password", "web"):
            page = open_auto_reply(browser, home, COLLEAGUE)
        with proving("Switches it on, with a text full of traps", "web"):
            page, change = save(
                browser,
                page,
                enabled="on",
                subject=SUBJECT,
                text=TEXT,
                starts=moment(days=-1),
                ends=moment(days=30),
            )
        with proving(f"The page says that it is live on {server.name}", *logs):
            page = wait_until_live(browser, page, change)
        with proving("A stranger's mail gets exactly one reply, right to the letter", *logs):
            check_reply(world, ask(world, "stranger@elsewhere.test", COLLEAGUE))
        with proving("The stranger's second mail gets none", *logs):
            ask(world, "stranger@elsewhere.test", COLLEAGUE)
            # The reply to somebody else, asked for later, shows that no other is still on its way.
            ask(world, "neighbour@elsewhere.test", COLLEAGUE)
            world.sink.wait_for(1, to="neighbour@elsewhere.test")
            replies = world.sink.messages(to="stranger@elsewhere.test")
            require(len(replies) == 1, f"There are {len(replies)} replies to the stranger instead of one.")
        with proving("Switches it off, and the page says that this is live", *logs):
            page, change = save(browser, page, off=("enabled",))
            wait_until_live(browser, page, change)
        with proving("Another stranger gets no reply", *logs):
            check_silence(world)


def check_mailbox_user(world: World) -> None:
    """A mailbox's user: both ways to sign in, only the own auto-reply, and a new password."""
    user = next(box for box in world.mailboxes if box.address == USER)
    logs = ("web", "worker", user.server)
    signing_in = proving(f"{user.address} signs in with the login {user.login}", "web")
    with signing_in, Browser(world.url) as browser:
        sign_in(browser, user.login, user.password)
    with Browser(world.url) as browser:
        with proving(f"{user.address} signs in with the address", "web"):
            home = sign_in(browser, user.address, user.password)
            require(home.path == f"/mailboxes/{user.address}/", f"This led to {home.path}.")
        with proving("Switches the own auto-reply on, and the page says that it is live", *logs):
            page = browser.follow(home, f"/mailboxes/{user.address}/auto-reply/")
            page, change = save(browser, page, enabled="on", subject="Auf Probe", text="Bis Mittwoch.")
            page = wait_until_live(browser, page, change)
        with proving("Finds no page of anybody else", "web"):
            check_others_are_not_found(browser, page)
        with proving("Changes the password, and the page says that it is live", *logs):
            require(imap_lets_in(world, user, user.password), "The present password did not work before.")
            password = readable_password()
            page = browser.follow(home, f"/mailboxes/{user.address}/password/")
            page, change = save(
                browser,
                page,
                old_password=user.password,
                new_password=password,
                new_password_again=password,
            )
            wait_until_live(browser, page, change)
        with proving("IMAP lets the new password in, and the old one no longer", *logs):
            require(imap_lets_in(world, user, password), "IMAP refuses the new password.")
            require(not imap_lets_in(world, user, user.password), "IMAP still takes the old password.")


def check_simulated_server(world: World) -> None:
    """The same pages on a server that has only Virtualmin's remote API."""
    user = next(box for box in world.mailboxes if box.address == SIMULATED_USER)
    logs = ("web", "worker", user.server)
    with Browser(world.url) as browser:
        with proving(f"{user.address} on {user.server}, a simulated Virtualmin, sees that it is one", "web"):
            home = sign_in(browser, user.login, user.password)
            require(f"{user.server} is a simulation" in home.text, f"The page says: {home.text[:500]}")
        with proving(f"Sets an auto-reply, and the page says that it is live on {user.server}", *logs):
            page = browser.follow(home, f"/mailboxes/{user.address}/auto-reply/")
            page, change = save(browser, page, enabled="on", text="Fermé.\nÀ lundi !")
            wait_until_live(browser, page, change)
            held = simulated_user(world)
            require(held["reply"]["on"], f"{user.server} answers nobody.")
            text = held["reply"]["text"]
            require(text.rstrip() == "Fermé.\nÀ lundi !", f"{user.server} answers with {text!r}.")
        with proving(f"Changes the password, and the page says that it is live on {user.server}", *logs):
            password = readable_password()
            page = browser.follow(home, f"/mailboxes/{user.address}/password/")
            page, change = save(
                browser,
                page,
                old_password=user.password,
                new_password=password,
                new_password_again=password,
            )
            wait_until_live(browser, page, change)
            taken = sha512_crypt.verify(password, simulated_user(world)["hash"])
            require(taken, f"{user.server} holds another password.")


def simulated_user(world: World) -> dict[str, Any]:
    """What the simulation holds of SIMULATED_USER."""
    local_part, _, domain = SIMULATED_USER.partition("@")
    found: dict[str, Any] = world.moses.state()[domain]["users"][local_part]
    return found


def sign_in(browser: Browser, name: str, password: str, totp_secret: str = "") -> Page:
    """The page somebody gets to see after signing in, with a code of their app if they have one."""
    page = browser.submit(browser.open("/"), username=name, password=password)
    if totp_secret:
        page = browser.submit(page, code=next_code(totp_secret))
    require(page.was_redirected and page.status == 200, f"It was refused. The page says: {page.text[:500]}")
    return page


def open_auto_reply(browser: Browser, home: Page, address: str) -> Page:
    domain = address.partition("@")[2]
    mailboxes = browser.follow(home, f"/domains/{domain}/")
    mailbox = browser.follow(mailboxes, f"/mailboxes/{address}/")
    return browser.follow(mailbox, f"/mailboxes/{address}/auto-reply/")


def save(browser: Browser, page: Page, *, off: tuple[str, ...] = (), **typed: str) -> tuple[Page, str]:
    """The page after saving, and the number of the change that it tells of."""
    known = {badge.change for badge in page.badges}
    saved = browser.submit(page, off=off, **typed)
    require(saved.was_redirected, f"It was not accepted. The page says: {saved.text[:500]}")
    new = [badge.change for badge in saved.badges if badge.change not in known]
    require(len(new) == 1, f"The page tells of {len(new)} new changes instead of one: {saved.text[:500]}")
    return saved, new[0]


def wait_until_live(browser: Browser, page: Page, change: str) -> Page:
    end = time.monotonic() + LIVE_WITHIN_SECONDS
    while (badge := page.badge_of(change)).state != "live":
        settled = badge.state not in ("waiting", "pushing")
        require(not settled, f"The page says {badge.state}: {' '.join(badge.text.split())}")
        require(
            time.monotonic() < end,
            f"After {LIVE_WITHIN_SECONDS:g} s the page still says: {' '.join(badge.text.split())}",
        )
        time.sleep(0.1)
        page = browser.open(page.path)
    return page


def ask(world: World, sender: str, to: str) -> EmailMessage:
    """Deliver a mail from outside, as the hoster's mail exchanger does."""
    mail = mail_from_outside(
        sender, name="Jan Vreemd", to=to, subject="Are you there?", text="Hello, are you there?"
    )
    world.server_of(to).deliver(to, mail, sender)
    return mail


def check_reply(world: World, question: EmailMessage) -> None:
    _, sender = shown_sender(question)
    world.sink.wait_for(1, to=sender)
    # The portal's own mails, warnings for instance, are no replies.
    replies = [mail for mail in world.sink.messages() if mail["Auto-Submitted"] != "auto-generated"]
    require(len(replies) == 1, f"{len(replies)} mails left instead of one.")
    (reply,) = replies
    name = next(name for domain in DOMAINS for local, name in domain.mailboxes if COLLEAGUE.startswith(local))
    seen_and_wanted = {
        "Subject": (reply["Subject"], SUBJECT),
        "text": (reply.get_content().replace("\r\n", "\n").removesuffix("\n"), TEXT),
        "From": (shown_sender(reply), (name, COLLEAGUE)),
        "To": (reply["To"].addresses[0].addr_spec, sender),
        "In-Reply-To": (reply["In-Reply-To"], question["Message-ID"]),
        "Auto-Submitted": (reply["Auto-Submitted"], "auto-replied (vacation)"),
        "envelope's sender": (reply["X-Sink-From"], "<>"),
    }
    for what, (seen, wanted) in seen_and_wanted.items():
        require(seen == wanted, f"The reply's {what} is {seen!r} instead of {wanted!r}.")


def shown_sender(mail: EmailMessage) -> tuple[str, str]:
    """Name and address."""
    (sender,) = mail["From"].addresses
    return sender.display_name, sender.addr_spec


def check_silence(world: World) -> None:
    """No reply from the mailbox, shown by one that came later, from a mailbox on the same server."""
    sender = "another.stranger@elsewhere.test"
    ask(world, sender, COLLEAGUE)
    speaking = next(
        reply.address
        for reply in AUTO_REPLIES
        if not reply.starts and world.server_of(reply.address) is world.server_of(COLLEAGUE)
    )
    ask(world, sender, speaking)
    world.sink.wait_for(1, to=sender)
    answered = [shown_sender(reply)[1] for reply in world.sink.messages(to=sender)]
    require(answered == [speaking], f"Replies came from {', '.join(answered)}.")


def check_others_are_not_found(browser: Browser, own: Page) -> None:
    neighbour = next(
        f"{local_part}@{domain.name}"
        for domain in DOMAINS
        for local_part, _name in domain.mailboxes
        if USER.endswith(f"@{domain.name}") and not USER.startswith(f"{local_part}@")
    )
    theirs = f"/mailboxes/{neighbour}/auto-reply/"
    for path in (theirs, f"/mailboxes/{neighbour}/", f"/domains/{USER.partition('@')[2]}/"):
        page = browser.open(path)
        require(page.status == 404, f"{path} answered {page.status}.")
    own.form_with("subject", "text").action = theirs
    page = browser.submit(own, enabled="on", subject="Not mine", text="Not mine")
    require(page.status == 404, f"Saving at {theirs} answered {page.status}.")


def imap_lets_in(world: World, user: MailboxSignIn, password: str) -> bool:
    trust = ssl.create_default_context(cafile=str(world.certificates.ca_file))
    port = world.servers[user.server].ports["imaps"]
    with imaplib.IMAP4_SSL(LOOPBACK, port, ssl_context=trust, timeout=10) as imap:
        try:
            imap.login(user.address, password)
        except imaplib.IMAP4.error:
            return False
        return True


def moment(*, days: int) -> str:
    """A local time as a browser writes it into a form."""
    return (datetime.now() + timedelta(days=days)).strftime(MINUTES)  # noqa: DTZ005 - a day more or less is enough
