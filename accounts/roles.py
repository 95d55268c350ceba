"""The three roles: groups with exactly the permissions that apps register for them, granted after each migration.

For other sets of permissions, create other groups. The owner of a site is a superuser.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from django.apps import AppConfig
from django.apps.registry import Apps
from django.apps.registry import apps as current_apps
from django.contrib.auth import get_permission_codename

from core.registry import Registry

# The codenames of an app's permissions that each role has.
type RolePermissions = Mapping[str, Collection[str]]

AUTHOR, EDITOR, MODERATOR = "Author", "Editor", "Moderator"
ROLES: Final = (AUTHOR, EDITOR, MODERATOR)


def every_action(*models: str) -> set[str]:
    """Return the codenames of all default permissions for these models of an app, given by their lower-case names."""
    return {f"{action}_{model}" for model in models for action in ("add", "change", "delete", "view")}


def _find_problems(app_label: str, permissions: RolePermissions) -> Iterator[str]:
    app = current_apps.app_configs.get(app_label)
    if app is None:
        yield "There is no such app."
        return
    models = [model._meta for model in app.get_models()]
    existing = {get_permission_codename(action, model) for model in models for action in model.default_permissions}
    existing |= {codename for model in models for codename, _name in model.permissions}
    for role, codenames in permissions.items():
        if role not in ROLES:
            yield f"There is no role {role!r}."
        for codename in sorted(set(codenames) - existing):
            yield f"The app has no permission {codename!r}."


# By the label of the app that the permissions belong to. An app can grant only its own.
role_permissions: Final[Registry[RolePermissions]] = Registry("permission set", _find_problems)


def grant_roles(app_config: AppConfig, using: str, apps: Apps = current_apps, **kwargs: Any) -> None:
    """Give each role exactly its permissions in the app that was just migrated."""
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        return
    label = app_config.label
    permissions = permission_model.objects.using(using).filter(content_type__app_label=label)
    available = {permission.codename: permission for permission in permissions}
    if not available:
        return
    registered = role_permissions.get(label, {})
    for role in ROLES:
        group, _created = group_model.objects.using(using).get_or_create(name=role)
        held = set(group.permissions.filter(content_type__app_label=label))
        due = {available[codename] for codename in registered.get(role, ()) if codename in available}
        if held != due:
            group.permissions.remove(*(held - due))
            group.permissions.add(*(due - held))
