"""Looking up what people may do."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission


class OneQueryBackend(ModelBackend):
    """Django's backend, except that it reads someone's own permissions and those of their roles in a single query."""

    def get_all_permissions(self, user_obj: Any, obj: object = None) -> set[str]:
        if user_obj.is_superuser or user_obj.is_anonymous or not user_obj.is_active or obj is not None:
            return super().get_all_permissions(user_obj, obj)  # type: ignore[arg-type]  # the stubs expect a model
        # Django's own name, so that whatever clears its cache clears ours.
        if not hasattr(user_obj, "_perm_cache"):
            granted = (Permission.objects.filter(user=user_obj), Permission.objects.filter(group__user=user_obj))
            own, of_roles = (some.order_by().values_list("content_type__app_label", "codename") for some in granted)
            user_obj._perm_cache = {f"{app}.{codename}" for app, codename in own.union(of_roles).order_by()}
        permissions: set[str] = user_obj._perm_cache
        return permissions
