"""What roles demand of people who log in: a second factor, and logging in again after some time."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext

from accounts import sessions
from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import RolePolicy, User
from accounts.roles import OWNER, ROLES

# Recovery codes only replace one of these.
SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


@dataclass(frozen=True, slots=True)
class Demands:
    """The demands of all roles of a person together."""

    needs_second_factor: bool
    session_hours: int


def describe_hours(hours: int) -> str:
    """Return this duration in words."""
    if hours % 24:
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    return ngettext("%(n)d day", "%(n)d days", hours // 24) % {"n": hours // 24}


def default_policy(role: str) -> RolePolicy:
    """Return the policy of a role for which the owner has set nothing."""
    return RolePolicy(role=role, session_hours=RolePolicy.OWNER_HOURS if role == OWNER else RolePolicy.DEFAULT_HOURS)


def all_policies() -> list[RolePolicy]:
    """Return the policy of each role, in the order in which people choose roles."""
    stored = RolePolicy.objects.in_bulk()
    others = Group.objects.exclude(name__in=ROLES).order_by("name").values_list("name", flat=True)
    roles = [OWNER, *ROLES, *others]
    return [stored.get(role) or default_policy(role) for role in roles]


def demands_on(user: User) -> Demands:
    """Return what the roles of `user` demand. The strictest role counts."""
    roles = list(user.groups.values_list("name", flat=True))
    if user.is_superuser or not roles:
        roles.append(OWNER)
    stored = RolePolicy.objects.in_bulk(roles)
    policies = [stored.get(role) or default_policy(role) for role in roles]
    return Demands(
        needs_second_factor=any(policy.needs_second_factor for policy in policies),
        session_hours=min(policy.session_hours for policy in policies),
    )


def has_second_factor(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user, type__in=SECOND_FACTORS).exists())


@transaction.atomic
def change(changed: Collection[RolePolicy], request: HttpRequest) -> None:
    """Store the policies of some roles, and log out the people who have these roles.

    The owner who sends `request` stays logged in.
    """
    for policy in changed:
        policy.save()
        record(Action.CHANGED, [policy], by=cast("User", request.user), details=_describe(policy))
        is_owner = policy.role == OWNER
        people = User.objects.filter(is_superuser=True) if is_owner else User.objects.filter(groups__name=policy.role)
        sessions.end(people, keep=request)


@transaction.atomic
def role_renamed(former: str, name: str) -> None:
    """Give a role under its new name the policy that it had under the former one."""
    RolePolicy.objects.filter(role=name).delete()
    RolePolicy.objects.filter(role=former).update(role=name)


def _describe(policy: RolePolicy) -> str:
    step = gettext("second step required") if policy.needs_second_factor else gettext("second step not required")
    time = gettext("log out after %(time)s") % {"time": describe_hours(policy.session_hours)}
    return f"{step}, {time}"
