"""What people have given strangers access to, such as links to unpublished texts, and ending it.

Someone who got into an account may have used it to keep reading. So it ends with a new password, as sessions do, with
another role, and when the person may no longer log in.
"""

from collections.abc import Callable
from typing import Any, Final

from core.registry import Registry

# Each ends one kind of access that a person has given, in the caller's transaction.
revocations: Final[Registry[Callable[[Any], object]]] = Registry("kind of access that people give")


def revoke_access(person: Any) -> None:
    """End, for good, all access that `person` has given, in the caller's transaction."""
    for revoke in revocations.values():
        revoke(person)
