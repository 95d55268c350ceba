"""Who may upload and choose files while writing."""

from collections.abc import Callable
from typing import Final, TypeGuard

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from core.registry import Registry
from media.models import Upload

# By app: a check whether a user may write its texts.
writers: Final[Registry[Callable[[User], bool]]] = Registry("check for writers")


def may_upload_while_writing(user: User | AnonymousUser) -> TypeGuard[User]:
    """Whether `user` may add pictures to a text while writing it."""
    return _may_while_writing(user, "media.add_picture")


def may_choose_while_writing(user: User | AnonymousUser, model: type[Upload]) -> TypeGuard[User]:
    """Whether `user` may look for files of this kind while writing a text."""
    return _may_while_writing(user, f"media.view_{model._meta.model_name}")


def _may_while_writing(user: User | AnonymousUser, permission: str) -> bool:
    return (
        isinstance(user, User)
        and user.is_staff
        and user.has_perm(permission)
        and any(is_writer(user) for is_writer in writers.values())
    )
