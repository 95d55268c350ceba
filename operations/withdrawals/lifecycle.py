"""The transitions between the states of a withdrawal, and its secret data.

Each transition is one conditional UPDATE: if two people click a button at the same time, only one of them succeeds.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import F
from django.utils.translation import gettext

from accounts.models import User
from core.clock import correct_future_times
from operations.models import Withdrawal, WithdrawalState
from operations.withdrawals.encryption import decrypt, encrypt
from operations.withdrawals.gone_urls import forget_gone
from operations.withdrawals.matching import Name
from operations.withdrawals.places import places

# How long a name that was searched for but not withdrawn is kept.
_SEARCH_KEPT: Final = dt.timedelta(days=1)
# The cursor of a final withdrawal until the database has been rewritten.
UNSCRUBBED: Final = {"unscrubbed": True}


class AnotherActiveError(Exception):
    """Another withdrawal is being searched for, carried out or undone. The message says so."""

    def __init__(self) -> None:
        super().__init__(gettext("Another withdrawal is running. Wait until it has finished, then try again."))


@dataclass(slots=True)
class Finding:
    """A row that contains the name: its table and ID, the column, and the first occurrence with its context.

    `key` identifies the row, so that it can be excluded.
    """

    place: str
    pk: str
    column: str
    before: str
    found: str
    after: str

    @property
    def key(self) -> str:
        return f"{self.place}:{self.pk}"


@dataclass(slots=True)
class Secret:
    """The data that a withdrawal must not reveal. `left` are the keys of rows that someone chose to leave alone.

    `suggestions` are other spellings found on the site, with their counts. `renamed` maps the old names of files to the
    new ones if these don't follow from them.
    """

    spellings: list[str]
    replacement: str
    left: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    suggestions: dict[str, int] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> Name:
        return Name(self.spellings, self.replacement, self.renamed)

    def seal(self) -> str:
        return encrypt(asdict(self))


def secret_of(withdrawal: Withdrawal) -> Secret:
    """Decrypt the secret data. Raises UnreadableError."""
    values = decrypt(withdrawal.sealed)
    return Secret(**{**values, "findings": [Finding(**finding) for finding in values["findings"]]})


def start(spellings: Sequence[str], replacement: str, by: User | None) -> Withdrawal:
    """Start searching for a name. Raises AnotherActiveError."""
    secret = Secret(list(spellings), replacement)
    try:
        with transaction.atomic():
            return Withdrawal.objects.create(started_by=by, sealed=secret.seal(), **_new_pass())
    except IntegrityError:
        raise AnotherActiveError from None


def search_again(withdrawal: Withdrawal, spellings: Sequence[str], replacement: str) -> bool:
    """Search again with other spellings. Return whether the state allowed it. Raises AnotherActiveError."""
    secret = Secret(list(spellings), replacement)
    return move(
        withdrawal, [WithdrawalState.FOUND], WithdrawalState.SEARCHING, sealed=secret.seal(), counts={}, **_new_pass()
    )


def carry_out(withdrawal: Withdrawal, left: Collection[str] = ()) -> bool:
    """Start replacing the name, except in the rows with the keys `left`. Return whether the state allowed it.

    Raises AnotherActiveError or UnreadableError.
    """
    secret = secret_of(withdrawal)
    secret.left = sorted({finding.key for finding in secret.findings} & set(left))
    values = {"sealed": secret.seal(), "counts": {}, "by_hand": [], **_new_pass()}
    return move(withdrawal, [WithdrawalState.FOUND], WithdrawalState.RUNNING, **values)


def repeat(withdrawal: Withdrawal) -> bool:
    """Replace the name again where it has come back. Return whether the state allowed it. Raises AnotherActiveError."""
    return move(withdrawal, [WithdrawalState.DONE], WithdrawalState.RUNNING, **_new_pass())


def undo(withdrawal: Withdrawal) -> bool:
    """Start undoing the withdrawal. Return whether the state allowed it. Raises AnotherActiveError."""
    values = {"left_alone": [], "cursor": {}, "done": 0, "total": withdrawal.rows.count()}
    states = [WithdrawalState.DONE, WithdrawalState.RUNNING]
    return move(withdrawal, states, WithdrawalState.UNDOING, **values)


def make_final(withdrawal: Withdrawal) -> bool:
    """Delete the data for undoing, and the name itself. Return whether the state allowed it."""
    with transaction.atomic():
        values = {"sealed": "", "cursor": UNSCRUBBED, "undo_until": None}
        if not move(withdrawal, [WithdrawalState.DONE], WithdrawalState.FINAL, **values):
            return False
        withdrawal.rows.all().delete()
        forget_gone(withdrawal)
    return True


def discard(withdrawal: Withdrawal) -> bool:
    """Delete a name that was searched for but not withdrawn. Return whether the state allowed it."""
    states = [WithdrawalState.SEARCHING, WithdrawalState.FOUND]
    return bool(Withdrawal.objects.filter(pk=withdrawal.pk, state__in=states).delete()[0])


def end_overdue(now: dt.datetime) -> None:
    """Make withdrawals final that can no longer be undone, and delete names that were only searched for."""
    forgotten = Withdrawal.objects.filter(state__in=[WithdrawalState.SEARCHING, WithdrawalState.FOUND])
    correct_future_times(forgotten, "started_at")
    forgotten.filter(started_at__lt=now - _SEARCH_KEPT).delete()
    done = Withdrawal.objects.filter(state=WithdrawalState.DONE)
    correct_future_times(done, "undo_until", up_to=dt.timedelta(days=settings.BROADSIDE_WITHDRAWAL_UNDO_DAYS))
    for withdrawal in done.filter(undo_until__lte=now):
        make_final(withdrawal)


def unscrubbed() -> models.QuerySet[Withdrawal]:
    """Return the final withdrawals of which the database's files may still contain traces."""
    return Withdrawal.objects.filter(state=WithdrawalState.FINAL, cursor=UNSCRUBBED)


def in_force() -> list[Withdrawal]:
    """Return the withdrawals that have been carried out and can still be undone. Only their names are known."""
    return list(Withdrawal.objects.filter(state__in=[WithdrawalState.RUNNING, WithdrawalState.DONE]).exclude(sealed=""))


def move(withdrawal: Withdrawal, before: Sequence[str], after: str, **fields: Any) -> bool:
    """Set the state and `fields` if the state is still one of `before`. Return whether it was.

    Raises AnotherActiveError.
    """
    return _update(withdrawal, Withdrawal.objects.filter(state__in=before), {"state": after, **fields})


def take_step(withdrawal: Withdrawal, after: str = "", **fields: Any) -> bool:
    """Store the result of a step, perhaps with a new state. Return False if anything has changed meanwhile."""
    unchanged = Withdrawal.objects.filter(state=withdrawal.state, step=withdrawal.step)
    return _update(withdrawal, unchanged, {"state": after or withdrawal.state, **fields})


def _update(withdrawal: Withdrawal, allowed: models.QuerySet[Withdrawal], fields: dict[str, Any]) -> bool:
    try:
        with transaction.atomic():
            if not allowed.filter(pk=withdrawal.pk).update(step=F("step") + 1, **fields):
                return False
    except IntegrityError:
        raise AnotherActiveError from None
    withdrawal.refresh_from_db()
    return True


def _new_pass() -> dict[str, Any]:
    """Return the fields of a withdrawal that starts a pass over the database."""
    return {"cursor": {}, "done": 0, "total": sum(place.rows.count() for place in places())}
