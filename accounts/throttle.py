"""Limits for guesses at passwords and codes, by account and by anonymous sender (core.sender), without lockouts.

Three counters can refuse a guess: one per sender and account, one per sender, and one per account. The last one never
closes the account. It only leaves each sender fewer guesses, so an owner can still log in while fifty senders try
passwords. A browser that has logged in before (accounts.browsers) has a counter of its own, so an attacker behind the
same IP address, such as a Tor exit, does not use up the guesses of an editor.

Guesses are counted for minutes, both in this process and in the cache that all processes share; the higher count
applies. If the cache fails, each process still limits the guesses that it sees, and `core.cache` logs the failure.
Names without an account are counted like those with one, so that a refusal reveals nothing about them.
"""

import threading
from dataclasses import dataclass
from typing import Final, Literal

from django.utils import timezone
from django.utils.crypto import salted_hmac

from core.cache import count

# Guesses are counted in periods of this many seconds.
PERIOD: Final = 10 * 60
# The most guesses in a period: of one sender at one account, and at all accounts; of a known browser, which has only as
# many guesses at codes in a whole day, because it may have been stolen together with the password.
PER_SENDER_AND_ACCOUNT: Final = 10
PER_SENDER: Final = 50
PER_KNOWN_BROWSER: Final = 20
# More guesses than this at one account come from many senders. Each sender then has fewer.
PER_ACCOUNT: Final = 50
PER_SENDER_DURING_ATTACK: Final = 2
# Codes are short, and only someone who knows the password can guess them. After this many wrong ones in a day, only
# known browsers may try more. Passkeys are never limited, because they can't be guessed.
CODES_PER_ACCOUNT: Final = 30
DAY: Final = 24 * 60 * 60
# How many counters a process keeps. An attacker can use many senders and invent any number of names.
_MAX_COUNTERS: Final = 50_000


class TooManyGuessesError(Exception):
    """The sender has to wait until the next period, even with the right password."""


@dataclass(frozen=True, slots=True)
class Guess:
    """A counted guess, with the key and the period of each counter."""

    counters: tuple[tuple[str, int], ...]

    def was_right(self) -> None:
        """Give back this guess only. Otherwise an attacker with an account of their own could reset the counters."""
        for key, period in self.counters:
            _add(key, -1, period)


def is_too_often(action: str, key: str, limit: int, period: int = PERIOD) -> bool:
    """Count an action, such as asking for an e-mail, and return whether it is one too many in this period."""
    return _add(_key(action, key), 1, period) > limit


def count_guess(kind: Literal["password", "code"], account: str, sender: str, browser: str) -> Guess:
    """Count a guess at a secret of `account`, which is any text that identifies it. Raises TooManyGuessesError.

    `browser` identifies a browser that has logged in to this account before; it is empty for all others. All unknown
    senders count as one.
    """
    period = DAY if kind == "code" else PERIOD
    if browser:
        key = _key(f"{kind}-browser", account, browser)
        if _add(key, 1, period) > PER_KNOWN_BROWSER:
            raise TooManyGuessesError
        return Guess(((key, period),))
    of_sender, at_account = _key(f"{kind}-sender", sender), _key(f"{kind}-account", account)
    of_sender_at_account = _key(f"{kind}-sender-account", sender, account)
    # Counted before the comparison, so that concurrent guesses can't exceed a limit together. A sender's refused
    # guesses don't count for the account, so a single sender can't make it look like an attack.
    by_sender = _add(of_sender, 1)
    by_sender_at_account = _add(of_sender_at_account, 1)
    if by_sender > PER_SENDER or by_sender_at_account > PER_SENDER_AND_ACCOUNT:
        raise TooManyGuessesError
    by_all = _add(at_account, 1, period)
    if kind == "code":
        is_refused = by_all > CODES_PER_ACCOUNT
    else:
        is_refused = by_all > PER_ACCOUNT and by_sender_at_account > PER_SENDER_DURING_ATTACK
    if is_refused:
        raise TooManyGuessesError
    return Guess(((of_sender, PERIOD), (of_sender_at_account, PERIOD), (at_account, period)))


# The counters of this process by their keys, and the lock for changing them.
_counters: Final[dict[str, int]] = {}
_lock: Final = threading.Lock()


def _add(key: str, by: int, period: int = PERIOD) -> int:
    """Add `by` to a counter of the current period, in this process and in the cache, and return its value."""
    key = f"{int(timezone.now().timestamp()) // period}:{key}"
    with _lock:
        value = _counters[key] = _counters.pop(key, 0) + by
        while len(_counters) > _MAX_COUNTERS:
            # Drop the least recently used. Those of earlier periods go first.
            del _counters[next(iter(_counters))]
    return max(value, count(f"accounts.throttle:{key}", by, period))


def _key(kind: str, *values: str) -> str:
    """Return a key that reveals neither the account nor the sender."""
    return salted_hmac(f"accounts.throttle.{kind}", "\n".join(values), algorithm="sha256").hexdigest()
