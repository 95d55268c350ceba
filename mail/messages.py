"""Writing e-mails.

Text from strangers appears as quoted lines, each with a `>` in front, so that it cannot be mistaken for ours. It never
gets into a header unescaped.
"""

import email.policy
from email.headerregistry import BaseHeader, HeaderRegistry, UnstructuredHeader
from typing import Any

from django.conf import settings
from django.core import mail as django_mail
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils.text import Truncator

from core.models import SiteSettings
from core.text import one_line, remove_controls, remove_direction_controls

MAX_LINE_LENGTH = 150


def is_on() -> bool:
    """Whether a mail server is set up (EMAIL_URL)."""
    return "default" in django_mail.mailers


def line(text: object) -> str:
    """Return `text` on one line (see core.text.one_line), shortened if it is long."""
    return Truncator(one_line(str(text))).chars(MAX_LINE_LENGTH)


def isolated(text: object) -> str:
    """Return `text` on one line, isolated so that its direction doesn't affect the text around it (UAX 9, FSI, PDI)."""
    return f"\u2068{line(text)}\u2069"


def quoted(text: str) -> str:
    """Return the whole text with `> ` before each line, without characters that change the direction."""
    plain = remove_direction_controls(remove_controls(text))
    # splitlines also breaks at characters that other programs treat as line ends.
    return "\n".join(f"> {each}" for each in plain.splitlines())


def write(
    template: str,
    to: str,
    subject: str,
    context: dict[str, Any],
    *,
    list_name: str,
    message_id: str,
    thread_id: str = "",
    unsubscribe_url: str = "",
    html_template: str = "",
    is_bulk: bool = False,
    unsubscribe_address: str = "",
    return_path: str = "",
) -> EmailMultiAlternatives:
    """Write an e-mail to one person: plain text, and with a `html_template` also simple HTML.

    `message_id` stays the same when the same e-mail is sent again, so mail programs show it once. They group e-mails
    with the same `thread_id`. The site's host is added to the IDs and `list_name`. With an absolute `unsubscribe_url`,
    mail programs can unsubscribe with one POST, and those that can't, with an e-mail to the `unsubscribe_address`.
    `is_bulk` tells mail programs not to reply automatically. Bounces go to the `return_path`, or else to the sender.
    Sources: RFC 3834 (Auto-Submitted), RFC 2919 (List-Id), RFC 5322 (References), RFC 8058 (List-Unsubscribe-Post),
    RFC 2076 (Precedence).
    """
    host = settings.SITE_HOST
    site = SiteSettings.current()
    context = {**context, "site": site, "site_url": settings.SITE_URL}
    headers = {
        "Auto-Submitted": "auto-generated",
        "List-Id": f"<{list_name}.{host}>",
        "Message-ID": f"<{message_id}@{host}>",
    }
    if thread_id:
        headers |= {"References": f"<{thread_id}@{host}>", "In-Reply-To": f"<{thread_id}@{host}>"}
    if unsubscribe_url:
        by_mail = f", <mailto:{unsubscribe_address}?subject=unsubscribe>" if unsubscribe_address else ""
        headers |= {
            "List-Unsubscribe": f"<{unsubscribe_url}>{by_mail}",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
    if is_bulk:
        headers["Precedence"] = "bulk"
    # Programs that read e-mails, and Python, would decode `=?utf-8?q?…?=`, with any character, in the text of a title.
    title = line(f"[{line(site.title)}] {subject}").replace("=?", "= ?")
    body = render_to_string(template, context).strip() + "\n"
    if return_path:
        # Django uses `from_email` as the sender of the envelope.
        headers["From"] = settings.DEFAULT_FROM_EMAIL
    email = _Message(subject=title, body=body, from_email=return_path or None, to=[to], headers=headers)
    if html_template:
        email.attach_alternative(render_to_string(html_template, context), "text/html")
    return email


class _VerbatimHeader(UnstructuredHeader, BaseHeader):
    """A header that is never encoded. Python would encode a URL longer than a line, and no mail program could read it.

    Lines may have 998 characters (RFC 5322), and these headers contain nothing but ASCII.
    """

    def fold(self, *, policy: Any) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
for _name in ("List-Unsubscribe", "List-Id", "Message-ID", "References", "In-Reply-To"):
    _HEADERS.map_to_type(_name, _VerbatimHeader)


class _Message(EmailMultiAlternatives):
    """An e-mail whose long headers are neither folded nor encoded."""

    def message(self, *, policy: Any = email.policy.default) -> Any:
        return super().message(policy=policy.clone(header_factory=_HEADERS))
