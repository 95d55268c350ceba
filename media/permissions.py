"""Who may upload pictures while writing."""

from collections.abc import Callable
from typing import Final, TypeGuard

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from core.registry import Registry

# By app: whether a user may write its texts.
writers: Final[Registry[Callable[[User], bool]]] = Registry("check for writers")


def may_upload_while_writing(user: User | AnonymousUser) -> TypeGuard[User]:
    """Whether `user` may add pictures to a text while writing it."""
    return (
        isinstance(user, User)
        and user.is_staff
        and user.has_perm("media.add_picture")
        and any(is_writer(user) for is_writer in writers.values())
    )
