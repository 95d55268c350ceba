"""Actions of owners on people's accounts, each in one transaction, which also records who did it.

Without `by`, it was done on the server, for example by a command.

A site always has an owner who can log in: functions that would remove the last one raise LastOwnerError.
"""

import re
from collections.abc import Mapping
from typing import Any

from allauth.core import context
from django.contrib.auth.models import Group
from django.db import transaction

from accounts import sessions
from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import AuditRecord, EmergencyLink, PasswordLink, User
from accounts.revocations import revoke_access
from accounts.roles import NO_ROLE, OWNER
from core.slugs import slugify, unique_slug


class LastOwnerError(Exception):
    """The site would be left without an owner who can log in."""


def lock_owners() -> list[User]:
    """Return the owners who are active, and lock their rows until the transaction ends."""
    return list(User.objects.select_for_update().filter(is_superuser=True, is_active=True).order_by("pk"))


def require_another_owner(person: User) -> None:
    """Raise LastOwnerError if no owner but `person` can log in. Call this in a transaction.

    Owners who have not accepted their invitation yet don't count. The owners are locked. Otherwise, two of them could
    be removed at the same time.
    """
    owners = lock_owners()
    others = [owner for owner in owners if owner.pk != person.pk]
    if len(others) < len(owners) and not any(owner.has_credentials for owner in others):
        raise LastOwnerError


@transaction.atomic
def give_role(person: User, role: str, *, by: User | None = None) -> None:
    """Give `person` a role: OWNER, the name of a group, or none if it is empty.

    If the role changes, log them out, and end what they have shared. Owners who change their own role stay logged in on
    this browser. Raises LastOwnerError.
    """
    former = person.role
    if role == former and person.groups.count() <= 1:
        return
    if role != OWNER:
        require_another_owner(person)
    # Recorded before the change, because owners may change their own role.
    details = AuditRecord.ARROW.join((former or NO_ROLE, role or NO_ROLE))
    record(Action.ROLE_CHANGED, [person], by=by, details=details)
    person.is_superuser, person.is_staff = role == OWNER, bool(role)
    person.save(update_fields=["is_superuser", "is_staff"])
    person.groups.set([] if role in ("", OWNER) else [Group.objects.get(name=role)])
    sessions.end([person], keep=context.request)
    # With the new role, they might not see what they have shared.
    revoke_access(person)


@transaction.atomic
def add_person(values: Mapping[str, Any], role: str, *, by: User | None = None) -> User:
    """Create an account that can't log in until its person accepts. The username is made from the name."""
    name = values["display_name"]
    # Usernames can't contain joiners, or the combining marks of some scripts.
    base = (re.sub(r"[^\w-]", "", slugify(name)) or "person")[:140]
    taken = set(User.objects.filter(username__startswith=base).values_list("username", flat=True))
    username = unique_slug(base, taken.__contains__, max_length=150)
    person: User = User.objects.create_user(username, values["email"], None, display_name=name)
    record(Action.INVITED, [person], by=by)
    give_role(person, role, by=by)
    return person


@transaction.atomic
def invite(person: User, values: Mapping[str, Any], role: str, *, by: User | None = None) -> None:
    """Give a role to someone who has an account but can't log in with it yet, such as an imported author.

    Raises LastOwnerError.
    """
    person.display_name, person.email = values["display_name"], values["email"]
    person.save(update_fields=["display_name", "email"])
    record(Action.INVITED, [person], by=by)
    give_role(person, role, by=by)


@transaction.atomic
def deactivate(person: User, *, by: User | None = None) -> None:
    """Log `person` out and lock the account. What they wrote stays, with their name. Raises LastOwnerError."""
    require_another_owner(person)
    if person.is_active:
        record(Action.DEACTIVATED, [person], by=by)
    lock(person)


@transaction.atomic
def lock(person: User) -> None:
    """Log `person` out, end their links and what they have shared, and lock the account, even the last owner's."""
    person.is_active = False
    person.save(update_fields=["is_active"])
    PasswordLink.objects.filter(person=person).delete()
    sessions.end([person])
    revoke_access(person)


@transaction.atomic
def reactivate(person: User, *, by: User | None = None) -> None:
    """Let `person` log in again, with the password and role that they had."""
    if not person.is_active:
        record(Action.REACTIVATED, [person], by=by)
    person.is_active = True
    person.save(update_fields=["is_active"])
    EmergencyLink.objects.filter(user=person).update(used_at=None)
