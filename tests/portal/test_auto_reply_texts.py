"""What is typed into the page reaches a stranger to the letter, whatever it is."""

from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

from demo.browser import Browser, Page
from demo.check import ask, open_auto_reply, save, sign_in, wait_until_live
from demo.world import World

WEBMASTERS = {"example.test": "sophie", "kapellmeister.test": "sophie", "brouwerij.test": "joost"}
TYPED = {
    "info@example.test": ("A lone dot", "I am away.\n.\nNobody is here.\n..\n.\n"),
    "thomas.whitfield@example.test": (
        '"Away" \\ (until <Monday>), ;:@[]',
        '"Back" on \\"Monday\\"\\\\, C:\\new\\table\n\\\n";\nstop;\n# "text:\n',
    ),
    "camille.lefevre@example.test": (
        "${subject} $x %u %{user}",
        "${x} ${subject} ${1} ${unicode:0041} $\n${{}}",
    ),
    "margaret.okafor@example.test": (
        "🎣" * 30 + " 👩‍👩‍👧",
        "Gone fishing 🎣🇳🇱👩‍👩‍👧 \U0001f3f4\U000e0067\U000e0062\U000e007f\n😀",
    ),
    "friederike.baumann@kapellmeister.test": (
        "אני בחופשה עד 31.8. \u200f!",
        "אני בחופשה עד 31.8.\n\u202bأنا في إجازة\u202c abc \u200f!\n",
    ),
    "matteo.brandt@kapellmeister.test": ("=?utf-8?q?Hello?= a=?utf-8?b?SGVsbG8=?=", "x" * 2000 + "\nend\n"),
    "joris.claes@brouwerij.test": (
        "  two  blanks   and  some around  ",
        "one \ntwo\t\nthree \t \n   \n\t\nend  ",
    ),
    "sanne.vandenberg@brouwerij.test": (
        "Wir sind bis zum 31. August im Urlaub und antworten danach – Ihr Team aus Münster",
        "\n\nFrom here\n>From there\n--\n-- \n=20=\n=C3=BC &lt;b&gt;<b>bold</b>&amp;\n\n\n",
    ),
}


def test_subject_and_text_arrive_to_the_letter(world: World) -> None:
    webmasters = sorted(set(WEBMASTERS.values()))
    with ThreadPoolExecutor(max_workers=len(webmasters)) as threads:
        arrived = {
            address: told
            for part in threads.map(lambda login: what_strangers_are_told(world, login), webmasters)
            for address, told in part.items()
        }
    assert arrived == {
        address: (subject, text if text.endswith("\n") else text + "\n")
        for address, (subject, text) in TYPED.items()
    }


def what_strangers_are_told(world: World, login: str) -> dict[str, tuple[str, str]]:
    """By address, for the mailboxes of a webmaster's domains, after the webmaster has typed it."""
    webmaster = next(person for person in world.people if person.login == login)
    with Browser(world.url) as browser:
        home = sign_in(browser, *webmaster.credentials)
        return {
            address: subject_and_text_for(world, browser, home, address)
            for address in TYPED
            if WEBMASTERS[address.partition("@")[2]] == login
        }


def subject_and_text_for(world: World, browser: Browser, home: Page, address: str) -> tuple[str, str]:
    domain = address.partition("@")[2]
    subject, text = TYPED[address]
    page = open_auto_reply(browser, home, address)
    page, change = save(browser, page, enabled="on", subject=subject, text=text)
    page = wait_until_live(browser, page, change)
    # Whoever saves the same page once more alters nothing.
    shown = page.form_with("subject", "text").values
    assert (shown["subject"], shown["text"].replace("\r\n", "\n")) == (subject, text)
    sender = f"to.{domain}.{address.partition('@')[0]}@letter.test"
    ask(world, sender, address)
    [reply] = world.sink.messages(to=sender)
    return str(reply["Subject"]), text_of(reply)


def text_of(reply: EmailMessage) -> str:
    return str(reply.get_content()).replace("\r\n", "\n")
