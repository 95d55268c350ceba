"""Proof of work: the commenter's browser solves a small puzzle (ALTCHA), which makes floods too expensive.

The browser fetches the challenge separately, so the form works on cached pages. Nothing is stored until it is solved.
"""

import datetime as dt
from typing import Any

import altcha
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from comments.models import SpentChallenge
from core.clock import CLOCK_TOLERANCE

ALGORITHM = "PBKDF2/SHA-256"
# Rounds per attempt. One in 256 attempts succeeds: half a second on a desktop, a few seconds on an old phone.
COST = 5_000
# How long writing a comment may take.
VALID_FOR = dt.timedelta(hours=3)
MAX_LENGTH = 4_000


def challenge() -> dict[str, Any]:
    """Return a new signed challenge in the format of ALTCHA's browser side."""
    expires_at = timezone.now() + VALID_FOR
    return altcha.create_challenge(ALGORITHM, COST, expires_at=expires_at, hmac_secret=_secret()).to_dict()


def verify(solution: str) -> str:
    """Return the nonce of the challenge that `solution` solves; empty if it is not ours, wrong or expired."""
    if not 0 < len(solution) <= MAX_LENGTH:
        return ""
    try:
        payload = altcha.Payload.from_base64(solution)
        # It checks the signature first, so nothing is computed for a challenge that is not ours.
        result = altcha.verify_solution(payload, _secret())
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        # Anyone can put anything into the field.
        return ""
    # One from before the clock was set back would outlive the record that it was used.
    latest = timezone.now() + VALID_FOR + CLOCK_TOLERANCE
    is_recent = (payload.challenge.parameters.expires_at or 0) <= latest.timestamp()
    return payload.challenge.parameters.nonce if result.verified and is_recent else ""


def spend(nonce: str) -> bool:
    """Use up the challenge with this nonce. Return whether it was unused: of concurrent calls, only one succeeds."""
    try:
        with transaction.atomic():
            SpentChallenge.objects.create(nonce=nonce, expires_at=timezone.now() + VALID_FOR)
    except IntegrityError:
        return False
    return True


def delete_expired() -> int:
    """Delete used challenges that have expired, and return how many."""
    return SpentChallenge.objects.filter(expires_at__lt=timezone.now()).delete()[0]


def _secret() -> str:
    return salted_hmac("comments.rules.proof_of_work", "key", algorithm="sha256").hexdigest()
