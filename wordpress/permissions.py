"""Who may bring in exports: they hold drafts and e-mail addresses, and what they bring in is published at once."""

from typing import TypeGuard

from django.contrib.auth.models import AnonymousUser

from accounts.models import User


def may_import(user: User | AnonymousUser) -> TypeGuard[User]:
    """Whether `user` may see, start and delete imports. None of the three roles may: those who run the site do."""
    return isinstance(user, User) and user.is_staff and user.has_perm("wordpress.import_wordpress")
