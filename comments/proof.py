"""Proof of work: the browser of somebody who writes solves a small task (ALTCHA), which a flood cannot afford.

The task is fetched from an address of its own, so it works on pages that a cache keeps; nothing is stored for it.
"""

import datetime as dt
from typing import Any

import altcha
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from comments.models import SpentChallenge

ALGORITHM = "PBKDF2/SHA-256"
# Rounds for each try. One of 256 tries is right: half a second on a desk, a few seconds on an old telephone.
COST = 5_000
# How long somebody may write after the first word.
VALID_FOR = dt.timedelta(hours=3)
MAX_LENGTH = 4_000


def challenge() -> dict[str, Any]:
    """A new task, signed by us, as ALTCHA's browser side expects it."""
    made = altcha.create_challenge(ALGORITHM, COST, expires_at=timezone.now() + VALID_FOR, hmac_secret=_secret())
    return made.to_dict()


def solved(answer: str) -> str:
    """The number of the task that `answer` solves; empty if it is none of ours, false or too late."""
    if not 0 < len(answer) <= MAX_LENGTH:
        return ""
    try:
        payload = altcha.Payload.from_base64(answer)
        # The signature is looked at first: what is not ours is not computed.
        result = altcha.verify_solution(payload, _secret())
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        # Whatever a stranger can put into a field.
        return ""
    return payload.challenge.parameters.nonce if result.verified else ""


def spend(number: str) -> bool:
    """Use up the task of this number; False if that was done before. One insertion, so two cannot both do it."""
    try:
        with transaction.atomic():
            SpentChallenge.objects.create(number=number, expires_at=timezone.now() + VALID_FOR)
    except IntegrityError:
        return False
    return True


def forget() -> int:
    """Delete what is remembered of tasks that are too old to be used again; returns the number of rows."""
    return SpentChallenge.objects.filter(expires_at__lt=timezone.now()).delete()[0]


def _secret() -> str:
    return salted_hmac("comments.proof", "key", algorithm="sha256").hexdigest()
