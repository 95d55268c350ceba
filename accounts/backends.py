"""How people log in, and how Django learns what they may do."""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.db.models import CharField, QuerySet, Value
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.models import User
from core.prepared import Parameter, Prepared, together


def _permissions_and_roles(user: Parameter) -> QuerySet[Any, tuple[str, str]]:
    """Return the permissions of a user, by app and name, and the names of the user's roles, without an app."""
    granted = (Permission.objects.filter(user__pk=user), Permission.objects.filter(group__user__pk=user))
    own, of_roles = (some.order_by().values_list("content_type__app_label", "codename") for some in granted)
    roles = Group.objects.filter(user__pk=user).order_by().values_list(Value("", CharField()), "name")
    return own.union(of_roles, roles).order_by()


# Every admin page needs both.
_users = Prepared[User](lambda pk: User.objects.filter(pk=pk))
_granted = Prepared[tuple[str, str]](_permissions_and_roles)


class AccountBackend(ModelBackend):
    """Django's backend, which also accepts e-mail addresses, and reads permissions and role together."""

    def get_user(self, user_id: int) -> User | None:
        """Return the active user with this ID, with their permissions and role. Takes one query."""
        found, granted = together((_users, [user_id]), (_granted, [user_id]))
        user = next(filter(self.user_can_authenticate, found), None)
        if user and not user.is_superuser:
            _take(user, granted)
        return user

    @sensitive_variables("password")
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        """Return the user with this username or e-mail address if the password is theirs.

        Takes one query and one hash, whether there is such a user or not.
        """
        if username is None or password is None:
            return None
        user = User.objects.named(username)
        if user is None:
            make_password(password)
            return None
        # Also hashes for people without a password.
        return user if user.check_password(password) and self.user_can_authenticate(user) else None

    def get_all_permissions(self, user_obj: Any, obj: object = None) -> set[str]:
        if user_obj.is_superuser or user_obj.is_anonymous or not user_obj.is_active or obj is not None:
            return super().get_all_permissions(user_obj, obj)  # type: ignore[arg-type]  # the stubs expect a model
        if not hasattr(user_obj, "_perm_cache"):
            _take(user_obj, _granted(user_obj.pk))
        permissions: set[str] = user_obj._perm_cache
        return permissions


def _take(user: Any, granted: Iterable[tuple[str, str]]) -> None:
    """Store these permissions and roles in `user`. The audit log records the role in which something is done."""
    # Django's own name, so that whatever clears its cache clears ours.
    user._perm_cache = {f"{app}.{codename}" for app, codename in granted if app}
    user.role_names = frozenset(name for app, name in granted if not app)
