"""Reading the mailbox for bounces, complaints, and requests to unsubscribe (BOUNCE_MAILBOX).

It is for nothing else: each message is deleted once it has been handled. If a worker dies before that, the message is
handled again, so handling must be idempotent.
"""

import imaplib
import mailbox
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

# In bytes. Reports are short, and longer messages are deleted unread.
MAX_SIZE: Final = 1_000_000
# How many messages are read at once. The next run reads more.
MAX_MESSAGES: Final = 2_000
_TIMEOUT: Final = 30
# The port of IMAP over TLS.
_PORT: Final = 993


def process(url: str, handle: Callable[[bytes], object]) -> int:
    """Call `handle` with each message, delete it, and return how many there were.

    `url` is `maildir:///var/mail/bounces` or `imaps://name:password@mail.example.org/INBOX`. Raises OSError if the
    mailbox can't be read.
    """
    parts = urlsplit(url)
    if parts.scheme == "maildir":
        return _process_maildir(Path(unquote(parts.path)), handle)
    # Without an explicit context, imaplib accepts any certificate.
    context = ssl.create_default_context()
    try:
        with imaplib.IMAP4_SSL(
            parts.hostname or "", parts.port or _PORT, ssl_context=context, timeout=_TIMEOUT
        ) as server:
            server.login(unquote(parts.username or ""), unquote(parts.password or ""))
            return process_imap(server, unquote(parts.path.strip("/")) or "INBOX", handle)
    except imaplib.IMAP4.error as error:
        # The error's message is left out, because it may contain what was sent.
        raise OSError("The IMAP server refused.") from error


def _process_maildir(folder: Path, handle: Callable[[bytes], object]) -> int:
    if not folder.is_dir():
        raise FileNotFoundError(folder)
    box = mailbox.Maildir(folder, create=False)
    keys = box.keys()[:MAX_MESSAGES]
    for key in keys:
        with box.get_file(key) as file:
            data = file.read(MAX_SIZE + 1)
        if len(data) <= MAX_SIZE:
            handle(data)
        box.discard(key)
    return len(keys)


def process_imap(server: imaplib.IMAP4, folder: str, handle: Callable[[bytes], object]) -> int:
    """Do the same for a folder of a server that has been logged in to. Source: RFC 9051."""
    _check(server.select(f'"{folder}"'))
    uids = _check(server.uid("SEARCH", "UNDELETED", "SMALLER", str(MAX_SIZE)))[0].split()[:MAX_MESSAGES]
    large = _check(server.uid("SEARCH", "UNDELETED", "NOT", "SMALLER", str(MAX_SIZE)))[0].split()
    for uid in uids:
        found = _check(server.uid("FETCH", uid.decode(), "(BODY.PEEK[])"))
        # Another client may have deleted the message.
        for item in found:
            if isinstance(item, tuple):
                handle(item[1])
        _check(server.uid("STORE", uid.decode(), "+FLAGS.SILENT", r"(\Deleted)"))
    for uid in large:
        _check(server.uid("STORE", uid.decode(), "+FLAGS.SILENT", r"(\Deleted)"))
    _check(server.expunge())
    return len(uids) + len(large)


def _check(answer: tuple[str, list[Any]]) -> list[Any]:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(status)
    return data
