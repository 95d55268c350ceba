"""The roles: groups with exactly the permissions that apps register for them, granted after each migration.

The owner of a site is a superuser. Groups that owners create are further roles. Each person has one role.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.apps import AppConfig
from django.apps.registry import Apps
from django.apps.registry import apps as current_apps
from django.contrib.auth import get_permission_codename
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from core.languages import in_words
from core.navigation import existing_permissions
from core.registry import Registry

if TYPE_CHECKING:
    from django.contrib.auth.models import Permission

EDITOR, AUTHOR, MODERATOR, READER = "Editor", "Author", "Moderator", "Reader of drafts"
# The roles that are groups of the same name, in the order in which they are offered.
ROLES: Final = (EDITOR, AUTHOR, MODERATOR, READER)
# The name of the role that superusers have. No group has it.
OWNER = "Owner"
LABELS: Final[dict[str, Promise]] = {
    OWNER: _("Owner"),
    EDITOR: pgettext_lazy("role", "Editor"),
    AUTHOR: pgettext_lazy("role", "Author"),
    MODERATOR: _("Moderator"),
    READER: _("Reader of drafts"),
}
# What the audit log calls having no role.
NO_ROLE: Final = "No role"
_STORED_NAMES: Final = {**LABELS, NO_ROLE: _("No role")}
# Django's own permissions, whose names it stores in English.
_ACTIONS: Final = {
    "add": pgettext_lazy("permission", "add"),
    "change": pgettext_lazy("permission", "change"),
    "delete": pgettext_lazy("permission", "delete"),
    "view": pgettext_lazy("permission", "view"),
}


def role_label(name: str) -> str:
    """Return what a role is called in the active language. Its name is stored in English.

    Groups that owners create have names of their own, which stay as they are.
    """
    return str(_STORED_NAMES.get(name, name))


def permission_label(permission: "Permission") -> str:
    """Return which objects a permission is about, and what it allows, in the active language."""
    model = permission.content_type.model_class()
    names: dict[str, Any] = {}
    if model is not None:
        names = {get_permission_codename(action, model._meta): label for action, label in _ACTIONS.items()}
        names |= dict(model._meta.permissions)
    return f"{permission.content_type} | {names.get(permission.codename, permission.name)}"


def permission_names(permissions: Iterable["Permission"]) -> set[str]:
    """Return the names of these permissions, as in "blog.add_post"."""
    return {f"{permission.content_type.app_label}.{permission.codename}" for permission in permissions}


def every_action(*models: str) -> set[str]:
    """Return the codenames of all default permissions for these models of an app, given by their lower-case names."""
    return {f"{action}_{model}" for model in models for action in ("add", "change", "delete", "view")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ability:
    """What people with all these permissions of an app can do. The `phrase` ends a sentence: “Can …”.

    The `roles` have these permissions. Without any, only owners have them. Lower `order` comes first.
    """

    phrase: str | Promise
    permissions: frozenset[str]
    order: int
    roles: frozenset[str] = frozenset()


def _find_problems(name: str, ability: Ability) -> Iterator[str]:
    label = name.partition(".")[0]
    if label not in current_apps.app_configs:
        yield "There is no such app."
        return
    for role in sorted(ability.roles.difference(ROLES)):
        yield f"There is no role {role!r}."
    for permission in sorted(ability.permissions - existing_permissions()):
        yield f"The app has no permission {permission.removeprefix(f'{label}.')!r}."


# By the label of an app and a name, as in "blog.drafts". Together they cover everything that a role may do, so the
# sentences about roles are made from the permissions themselves.
abilities: Final[Registry[Ability]] = Registry("ability", _find_problems)


def register_ability(
    name: str, phrase: str | Promise, codenames: Collection[str], *, order: int, roles: Collection[str] = ()
) -> None:
    """Register an ability by its name, as in "blog.drafts", with the codenames of the app's permissions.

    An app can grant only its own permissions.
    """
    label = name.partition(".")[0]
    permissions = frozenset(f"{label}.{codename}" for codename in codenames)
    abilities.register(name, Ability(phrase=phrase, permissions=permissions, order=order, roles=frozenset(roles)))


def permissions_of(role: str) -> set[str]:
    """Return the permissions of one of ROLES, as in "blog.add_post"."""
    return {permission for each in abilities.values() if role in each.roles for permission in each.permissions}


def abilities_with(permissions: Set[str]) -> list[Ability]:
    """Return what these permissions allow. An ability that is part of another one is left out."""
    held = [ability for ability in abilities.values() if ability.permissions <= permissions]
    whole = [each for each in held if not any(each.permissions < other.permissions for other in held)]
    return sorted(whole, key=lambda ability: ability.order)


def describe(permissions: Set[str]) -> str:
    """Return a sentence that says what people with these permissions can do."""
    found = abilities_with(permissions)
    phrases = [str(ability.phrase) for ability in found]
    if permissions - {permission for ability in found for permission in ability.permissions}:
        phrases.append(gettext("use other permissions of this group"))
    if not phrases:
        return gettext("Can log in, but nothing else.")
    return gettext("Can %(abilities)s.") % {"abilities": in_words(phrases)}


def describe_owner() -> str:
    """Return a sentence that says what only owners can do."""
    shared = {ability.phrase for role in ROLES for ability in abilities_with(permissions_of(role))}
    everything = {permission for ability in abilities.values() for permission in ability.permissions}
    own = [str(ability.phrase) for ability in abilities_with(everything) if ability.phrase not in shared]
    return gettext("Can do everything, and only owners can %(abilities)s.") % {"abilities": in_words(own)}


def grant_roles(app_config: AppConfig, using: str, apps: Apps = current_apps, **kwargs: Any) -> None:
    """Give each role exactly its permissions in the app that was just migrated."""
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        return
    permissions = permission_model.objects.using(using).filter(content_type__app_label=app_config.label)
    available = dict(permissions.values_list("codename", "pk"))
    if not available:
        return
    # This runs for each app, so all roles are read at once.
    held: defaultdict[str, set[int]] = defaultdict(set)
    for role, pk in group_model.objects.using(using).filter(name__in=ROLES).values_list("name", "permissions"):
        held[role].add(pk)
    for role in ROLES:
        granted = permissions_of(role)
        due = {pk for codename, pk in available.items() if f"{app_config.label}.{codename}" in granted}
        if role in held and held[role].intersection(available.values()) == due:
            continue
        group = group_model.objects.using(using).get_or_create(name=role)[0]
        # If another migration has just created it, it may have them already.
        own = group.permissions.filter(pk__in=available.values())
        group.permissions.remove(*own.exclude(pk__in=due))
        group.permissions.add(*due)
