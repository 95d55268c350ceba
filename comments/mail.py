"""Mail as such: whether any is sent, how one is written, and calling the worker that sends it.

What strangers wrote stands in a mail as quoted lines, each with a mark of its own in front, so that none can look like
what we say; and never in a header.
"""

import datetime as dt
import email.policy
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from typing import Any

from django.conf import settings
from django.core import mail as django_mail
from django.core.mail import EmailMessage
from django.db import transaction
from django.template.loader import render_to_string
from django.utils.text import Truncator

from blog.models import Page, Post
from blog.site import SiteSettings
from comments.text import without_controls

MAX_LINE_LENGTH = 150
# Words of some scripts, such as Persian, are written with them.
_JOINERS = "\u200c\u200d"
# The most that strangers' words take of one mail, in characters; one text is always whole.
MAX_LENGTH = 60_000


def is_on() -> bool:
    """Whether a mail server is set up (settings, EMAIL_URL)."""
    return "default" in django_mail.mailers


def wake_worker(at: dt.datetime) -> None:
    """Have the worker look for mail to send `at` this moment, once the present transaction is done."""
    # The task sends what is written by means of this module.
    from comments.tasks import wake

    # That it cannot be called is no reason to fail: what was noted is sent the next time.
    transaction.on_commit(lambda: wake(at), robust=True)


def line(text: object) -> str:
    """`text` in one line without signs that cannot be seen: no line end, no control, no change of direction."""
    plain = "".join(sign if unicodedata.category(sign)[0] != "C" or sign in _JOINERS else " " for sign in str(text))
    return Truncator(" ".join(plain.split())).chars(MAX_LINE_LENGTH)


def isolated(text: object) -> str:
    """`text` in one line, so that its direction does not disturb what stands around it (Unicode UAX 9, FSI and PDI)."""
    return f"\u2068{line(text)}\u2069"


def quoted(text: str) -> str:
    """The whole text, each line with `> ` in front. Signs that turn the direction of what follows are taken out."""
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    plain = "".join(sign for sign in without_controls(text) if unicodedata.bidirectional(sign) not in turning)
    # Also at what other programs take for the end of a line.
    return "\n".join(f"> {each}" for each in plain.splitlines())


class _Verbatim(UnstructuredHeader, BaseHeader):
    """A header that is never encoded: Python would do so with addresses longer than a line, and nobody reads it then.

    Lines may have 998 characters (RFC 5322), and ours have none but ASCII.
    """

    def fold(self, *, policy: Any) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
for _name in ("List-Unsubscribe", "List-Id", "Message-ID", "References", "In-Reply-To"):
    _HEADERS.map_to_type(_name, _Verbatim)


class Mail(EmailMessage):
    """A mail whose addresses in headers stay whole."""

    def message(self, *, policy: Any = email.policy.default) -> Any:
        return super().message(policy=policy.clone(header_factory=_HEADERS))


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is ready, with what is to be written down once the mail server has taken it."""

    message: EmailMessage
    sent: Callable[[], object]


def write(
    template: str, to: str, subject: str, context: dict[str, Any], *, number: str, thread: str, **headers: str
) -> EmailMessage:
    """A plain mail to one person.

    `number` is the same when the same mail is sent again, so that mail programs show it once; mails of one `thread`
    stand together. Sources: RFC 3834 (Auto-Submitted), RFC 2919 (List-Id), RFC 5322 (References).
    """
    host = settings.SITE_HOST
    site = SiteSettings.current()
    body = render_to_string(f"comments/mail/{template}.txt", {**context, "site": site, "site_url": settings.SITE_URL})
    return Mail(
        subject=line(f"[{line(site.title)}] {subject}"),
        body=body.strip() + "\n",
        to=[to],
        headers={
            "Auto-Submitted": "auto-generated",
            "List-Id": f"<comments.{host}>",
            "Message-ID": f"<{number}@{host}>",
            "References": f"<{thread}@{host}>",
            "In-Reply-To": f"<{thread}@{host}>",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )


def thread_of(entry: Post | Page) -> str:
    return f"{entry._meta.model_name}-{entry.pk}"


def some(texts: list[str], most: int) -> Iterator[int]:
    """The numbers of those texts that one mail has room for: the first, and what fits beside it."""
    length = 0
    for number, text in enumerate(texts[:most]):
        length += len(text)
        if number and length > MAX_LENGTH:
            return
        yield number
