"""Who may write, and who may add to the library."""

from typing import TypeGuard

from django.contrib.auth.models import AnonymousUser

from accounts.models import User

# Named, not imported: what is written stands above the library.
WRITING = ("blog.add_post", "blog.change_post", "blog.add_page", "blog.change_page")


def may_write(user: User | AnonymousUser) -> TypeGuard[User]:
    """Whether the editor is open to `user`: staff who write posts or pages."""
    return isinstance(user, User) and user.is_staff and any(user.has_perm(permission) for permission in WRITING)


def may_add_pictures(user: User | AnonymousUser) -> TypeGuard[User]:
    """Whether `user` may put pictures into a text while writing it."""
    return may_write(user) and user.has_perm("library.add_picture")
