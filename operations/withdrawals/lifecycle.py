"""How a withdrawal goes from one state to the next, and what is known of it in secret.

Each transition is one conditional UPDATE: if two people press a button at the same time, only one of them succeeds.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from django.db import IntegrityError, models, transaction
from django.db.models import F

from accounts.models import User
from operations.models import Withdrawal, WithdrawalState
from operations.withdrawals.encryption import decrypt, encrypt
from operations.withdrawals.gone_urls import forget_gone
from operations.withdrawals.matching import Name
from operations.withdrawals.places import places

# A name that was looked for and not withdrawn is forgotten after this time.
_SEARCH_KEPT: Final = dt.timedelta(days=1)
# In place of the cursor of a withdrawal that is final, until the database has been written anew.
UNSCRUBBED: Final = {"unscrubbed": True}


class AnotherActiveError(Exception):
    """Another withdrawal is being searched for, carried out or undone."""


@dataclass(slots=True)
class Finding:
    """A row in which the name is: its table and ID, the column, and the first of its texts with the name.

    `key` identifies the row for leaving it alone.
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
    """What a withdrawal must not reveal. `left` are the keys of rows that are left alone because someone chose so.

    `suggestions` are other spellings that are on the site, and how often. `renamed` are files whose new names don't
    follow from the old ones, with the new one.
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
    """Return what is known in secret. Raises UnreadableError."""
    values = decrypt(withdrawal.sealed)
    return Secret(**{**values, "findings": [Finding(**finding) for finding in values["findings"]]})


def start(spellings: Sequence[str], replacement: str, by: User | None) -> Withdrawal:
    """Begin to look for a name. Raises AnotherActiveError."""
    secret = Secret(list(spellings), replacement)
    try:
        with transaction.atomic():
            return Withdrawal.objects.create(started_by=by, sealed=secret.seal(), **_new_pass())
    except IntegrityError:
        raise AnotherActiveError from None


def search_again(withdrawal: Withdrawal, spellings: Sequence[str], replacement: str) -> bool:
    """Look for the name with other spellings. Return whether its state allowed it. Raises AnotherActiveError."""
    secret = Secret(list(spellings), replacement)
    return move(
        withdrawal, [WithdrawalState.FOUND], WithdrawalState.SEARCHING, sealed=secret.seal(), counts={}, **_new_pass()
    )


def carry_out(withdrawal: Withdrawal, left: Collection[str] = ()) -> bool:
    """Begin to replace the name, except in the rows with the keys `left`. Return whether its state allowed it.

    Raises AnotherActiveError or UnreadableError.
    """
    secret = secret_of(withdrawal)
    secret.left = sorted({finding.key for finding in secret.findings} & set(left))
    values = {"sealed": secret.seal(), "counts": {}, "by_hand": [], **_new_pass()}
    return move(withdrawal, [WithdrawalState.FOUND], WithdrawalState.RUNNING, **values)


def repeat(withdrawal: Withdrawal) -> bool:
    """Replace the name again where it has come back. Return whether its state allowed it. Raises AnotherActiveError."""
    return move(withdrawal, [WithdrawalState.DONE], WithdrawalState.RUNNING, **_new_pass())


def undo(withdrawal: Withdrawal) -> bool:
    """Begin to put back what was there. Return whether its state allowed it. Raises AnotherActiveError."""
    values = {"left_alone": [], "cursor": {}, "done": 0, "total": withdrawal.rows.count()}
    states = [WithdrawalState.DONE, WithdrawalState.RUNNING]
    return move(withdrawal, states, WithdrawalState.UNDOING, **values)


def make_final(withdrawal: Withdrawal) -> bool:
    """Delete what undoing takes, and the name itself. Return whether its state allowed it."""
    with transaction.atomic():
        values = {"sealed": "", "cursor": UNSCRUBBED, "undo_until": None}
        if not move(withdrawal, [WithdrawalState.DONE], WithdrawalState.FINAL, **values):
            return False
        withdrawal.rows.all().delete()
        forget_gone(withdrawal)
    return True


def discard(withdrawal: Withdrawal) -> bool:
    """Forget a name that was looked for and not withdrawn. Return whether its state allowed it."""
    states = [WithdrawalState.SEARCHING, WithdrawalState.FOUND]
    return bool(Withdrawal.objects.filter(pk=withdrawal.pk, state__in=states).delete()[0])


def end_overdue(now: dt.datetime) -> None:
    """Make final what can't be undone any more, and forget names that were looked for and not withdrawn."""
    forgotten = Withdrawal.objects.filter(state__in=[WithdrawalState.SEARCHING, WithdrawalState.FOUND])
    forgotten.filter(started_at__lt=now - _SEARCH_KEPT).delete()
    for withdrawal in Withdrawal.objects.filter(state=WithdrawalState.DONE, undo_until__lte=now):
        make_final(withdrawal)


def unscrubbed() -> models.QuerySet[Withdrawal]:
    """Return the final withdrawals of which something may be left in the files of the database."""
    return Withdrawal.objects.filter(state=WithdrawalState.FINAL, cursor=UNSCRUBBED)


def in_force() -> list[Withdrawal]:
    """Return the withdrawals that are carried out and can still be undone: only of these the name is known."""
    return list(Withdrawal.objects.filter(state__in=[WithdrawalState.RUNNING, WithdrawalState.DONE]).exclude(sealed=""))


def move(withdrawal: Withdrawal, before: Sequence[str], after: str, **fields: Any) -> bool:
    """Change the state and `fields` if the state is still one of `before`. Return whether it was.

    Raises AnotherActiveError.
    """
    return _update(withdrawal, Withdrawal.objects.filter(state__in=before), {"state": after, **fields})


def take_step(withdrawal: Withdrawal, after: str = "", **fields: Any) -> bool:
    """Store the result of a step, perhaps with a new state. Return False if something else has happened meanwhile."""
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
    """Return the fields of a withdrawal that begins to read the database."""
    return {"cursor": {}, "done": 0, "total": sum(place.rows.count() for place in places())}
