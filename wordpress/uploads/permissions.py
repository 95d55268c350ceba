"""Who may import: exports contain drafts and e-mail addresses, and what is imported is published at once."""

from typing import TypeGuard

from django.contrib.auth.models import AnonymousUser

from accounts.models import User


def may_import(user: User | AnonymousUser) -> TypeGuard[User]:
    """Whether `user` may see, start and delete imports. None of the three roles may, only those who run the site."""
    return isinstance(user, User) and user.is_staff and user.has_perm("wordpress.import_wordpress")
