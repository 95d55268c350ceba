"""What happens when people get or lose a role, wherever that is done: in the admin, by scripts, in the shell."""

from collections.abc import Iterable
from typing import Any

from allauth.core import context
from django.contrib.auth.models import Group
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.sessions import end


def roles_changed(instance: User | Group, action: str, pk_set: set[int] | None, **kwargs: Any) -> None:
    """Handle m2m_changed. The session that makes the change goes on."""
    people: Iterable[User] = ()
    if isinstance(instance, Group) and action == "pre_clear":
        # Later, no one knows who they were.
        people = User.objects.filter(groups=instance)
    elif isinstance(instance, User) and action.startswith("post_"):
        _follow_roles(User.objects.filter(pk=instance.pk))
        # A later `save` must not undo it.
        instance.refresh_from_db(fields=["is_staff"])
        instance.role_names = None
        people = [instance] if pk_set or action == "post_clear" else ()
    elif action == "post_clear":
        group_deleted()
    elif action.startswith("post_"):
        people = members = User.objects.filter(pk__in=pk_set or ())
        _follow_roles(members)
    end(people, keep=context.request)


def group_deleted(**kwargs: Any) -> None:
    """Handle post_delete of a group, for which Django sends no m2m_changed: its people may have no role any more."""
    _follow_roles(User.objects.filter(groups=None))


def _follow_roles(people: QuerySet[User]) -> None:
    """Let those of `people` who have a role or own the site log in to the admin, and none of the others."""
    roles = User.groups.through._default_manager.filter(user=OuterRef("pk"))
    may_log_in = Q(Exists(roles)) | Q(is_superuser=True)
    people.filter(may_log_in, is_staff=False).update(is_staff=True)
    people.filter(~may_log_in, is_staff=True).update(is_staff=False)
