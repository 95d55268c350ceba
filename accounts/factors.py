"""Adding and removing people's second factors, both of which end their sessions."""

from typing import Final

from allauth.mfa import app_settings
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_noop, ngettext

from accounts import policies, sessions
from accounts.actions import Action
from accounts.audit.recording import record
from accounts.logging_in import has_added_second_factor
from accounts.models import User

# The most passkeys of one person.
MAX_PASSKEYS: Final = 20


class LastFactorError(Exception):
    """A role of this person demands a second factor, and this is their only one."""


class OnlyWayInError(Exception):
    """This person has no password and no other passkey."""


def passkeys_of(user: User) -> QuerySet[Authenticator]:
    passkeys: QuerySet[Authenticator] = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
    return passkeys.order_by("pk")


def without_credentials() -> Q:
    """Return the query condition that people have neither a password nor a passkey (see `User.has_credentials`)."""
    passkeys = Authenticator.objects.filter(user=OuterRef("pk"), type=Authenticator.Type.WEBAUTHN)
    return Q(~Exists(passkeys), password__startswith=UNUSABLE_PASSWORD_PREFIX)


def app_of(user: User) -> Authenticator | None:
    """Return the authenticator app of a person."""
    return Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).first()


def unused_codes(user: User) -> int | None:
    """Return how many recovery codes a person has left; None if there never were any."""
    codes = Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).first()
    # They are not decrypted, which fails without the right key.
    return None if codes is None else app_settings.RECOVERY_CODE_COUNT - codes.data["used_mask"].bit_count()


def describe_unused(count: int) -> str:
    text = ngettext("%(n)d unused code is left.", "%(n)d unused codes are left.", count)
    return text % {"n": count}


def added(request: HttpRequest, user: User, action: Action, details: str = "") -> int:
    """Record that someone has just added a factor, end their other sessions, and return how many there were."""
    record(action, [user], by=user, details=details)
    has_added_second_factor(request)
    return sessions.end([user], keep=request)


@transaction.atomic
def note_counter(passkey: Authenticator, counter: int) -> None:
    """Store the counter of a passkey that has just been used. If it has not grown, record that there may be a copy.

    Counters are always 0 on devices that don't count. A counter that goes back is a sign and no proof, because a device
    may have been restored. Refusing it would lock out its owner, and not a thief who uses the copy first.
    Source: W3C, "Web Authentication", Level 3, sections 6.1.1 and 7.2.
    """
    before = passkey.data.get("counter", passkey.wrap().authenticator_data.counter)
    if counter != before:
        passkey.data["counter"] = counter
        passkey.save(update_fields=["data"])
    if counter < before or 0 < counter == before:
        record(Action.PASSKEY_SUSPECTED, [passkey.user], by=passkey.user)


@transaction.atomic
def remove(request: HttpRequest, factor: Authenticator) -> None:
    """Remove a factor of the user who sends `request`, and end their other sessions.

    Raises LastFactorError and OnlyWayInError.
    """
    user = User.objects.select_for_update().get(pk=factor.user_id)
    is_passkey = factor.type == Authenticator.Type.WEBAUTHN
    if is_passkey and not user.has_usable_password() and not passkeys_of(user).exclude(pk=factor.pk).exists():
        raise OnlyWayInError
    others = Authenticator.objects.filter(user=user, type__in=policies.SECOND_FACTORS).exclude(pk=factor.pk)
    if not others.exists():
        if policies.demands_on(user).needs_second_factor:
            raise LastFactorError
        # Recovery codes only replace a factor that is lost.
        Authenticator.objects.filter(user=user).delete()
    else:
        factor.delete()
    details = gettext_noop("Passkey") if is_passkey else gettext_noop("App")
    record(Action.FACTOR_REMOVED, [user], by=user, details=details)
    sessions.end([user], keep=request)


@transaction.atomic
def remove_all(user: User, *, by: User | None = None) -> None:
    """Remove all factors of someone who has lost them, and end their sessions. `by` is None on the server."""
    Authenticator.objects.filter(user=user).delete()
    record(Action.FACTOR_REMOVED, [user], by=by, details=gettext_noop("All passkeys and apps"))
    sessions.end([user])
