"""The passwords of posts and pages: a reader sends one in a POST, and the response contains the content. No cookies.

Wrong guesses are counted in the cache for some minutes, by entry and anonymous sender (core.sender). No one can lock
out everyone else: when many senders guess at one entry, each only gets fewer guesses. If the cache fails, guesses are
not limited, because readers must not be locked out either.
"""

import unicodedata
from typing import Final

from django.core.signing import BadSignature, TimestampSigner
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext, ngettext
from django.views.decorators.debug import sensitive_variables

from blog.models import Entry
from core.cache import count

# Guesses are counted in periods of this many seconds.
PERIOD: Final = 10 * 60
# The maximum number of guesses by one sender at one entry in a period.
GUESSES_PER_SENDER: Final = 10
# More wrong guesses at one entry than this are an attack by many senders. Each of them then gets fewer guesses.
GUESSES_PER_ENTRY: Final = 100
GUESSES_DURING_ATTACK: Final = 2
# How long an unlocked entry can be commented on, in seconds.
_TOKEN_VALID_FOR: Final = 24 * 60 * 60
_SIGNER: Final = TimestampSigner(salt="blog.passwords.token")


class TooManyGuessesError(Exception):
    """The sender has to wait until the next period, even with the right password."""


@sensitive_variables("guess")
def unlock(entry: Entry, guess: str, sender: str) -> bool:
    """Unlock this instance of `entry` if `guess` is its password, and return whether it is. If not, set the error.

    `sender` comes from core.sender; all unknown senders count as one. Raises TooManyGuessesError.
    """
    entry_key = f"password-guesses:{int(timezone.now().timestamp()) // PERIOD}:{entry.pk}"
    sender_key = f"{entry_key}:{sender}"
    # Counted before the comparison, so that concurrent guesses cannot exceed the limit together.
    by_sender = count(sender_key, 1, PERIOD)
    # Refused guesses do not count for the entry, so a single sender cannot make it look like an attack.
    at_entry = count(entry_key, 1, PERIOD) if by_sender <= GUESSES_PER_SENDER else 0
    if by_sender > (GUESSES_PER_SENDER if at_entry <= GUESSES_PER_ENTRY else GUESSES_DURING_ATTACK):
        minutes = PERIOD // 60
        text = ngettext(
            "There were too many attempts. Please try again in %(n)d minute.",
            "There were too many attempts. Please try again in %(n)d minutes.",
            minutes,
        )
        entry.password_error = text % {"n": minutes}
        raise TooManyGuessesError
    if not constant_time_compare(_normalise(guess), _normalise(entry.password)):
        entry.password_error = gettext("Invalid password.")
        return False
    entry.is_unlocked = True
    # Readers who know the password don't use up the attempts of others who share their IP address.
    count(sender_key, -1, PERIOD)
    count(entry_key, -1, PERIOD)
    return True


def token(entry: Entry) -> str:
    """Return the token that a form on the page of an unlocked entry sends in place of the password."""
    return _SIGNER.sign(_fingerprint(entry))


def unlock_with_token(entry: Entry, signed: str) -> bool:
    """Unlock this instance of `entry` if `signed` is a `token` of it, and return whether it is. If not, set the error.

    Tokens expire after a day and whenever the password is changed.
    """
    try:
        fingerprint = _SIGNER.unsign(signed, max_age=_TOKEN_VALID_FOR)
    except BadSignature:
        fingerprint = ""
    entry.is_unlocked = constant_time_compare(fingerprint, _fingerprint(entry))
    if not entry.is_unlocked:
        entry.password_error = gettext("Please enter the password again.")
    return entry.is_unlocked


def _fingerprint(entry: Entry) -> str:
    """Return a digest that changes with the password and reveals nothing about it."""
    return salted_hmac("blog.passwords.mark", f"{entry.pk}.{entry.password}", algorithm="sha256").hexdigest()


@sensitive_variables("password")
def _normalise(password: str) -> str:
    """Return `password` without differences that readers don't see: surrounding spaces and decomposed characters."""
    return unicodedata.normalize("NFC", password).strip()
