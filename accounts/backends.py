"""How people log in, and how Django learns what they may do."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group, Permission
from django.db.models import CharField, Value
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from accounts.models import User


class AccountBackend(ModelBackend):
    """Django's backend, which also accepts e-mail addresses, and reads permissions and role in a single query."""

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
        # Django's own name, so that whatever clears its cache clears ours.
        if not hasattr(user_obj, "_perm_cache"):
            granted = (Permission.objects.filter(user=user_obj), Permission.objects.filter(group__user=user_obj))
            own, of_roles = (some.order_by().values_list("content_type__app_label", "codename") for some in granted)
            # The audit log records the role in which something is done. Looking it up here costs nothing.
            roles = Group.objects.filter(user=user_obj).order_by().values_list(Value("", CharField()), "name")
            found = list(own.union(of_roles, roles).order_by())
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in found if app}
            user_obj.role_names = frozenset(name for app, name in found if not app)
        permissions: set[str] = user_obj._perm_cache
        return permissions
