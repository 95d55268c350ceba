"""Shared by tests of permissions: roles, what the permission table says about them, and refusals."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from accounts.roles import OWNER, ROLES, permissions_of
from tests.factories import PASSWORD, UserFactory
from tests.factories.database import executed_statements

EVERYONE: Final = (OWNER, *ROLES, "no role", "anonymous")

# Alternatives to permissions (of which one is enough): allowed to owners only, to all who can log in, and to everyone.
OWNERS, STAFF, ANYONE = frozenset({"owners"}), frozenset({"staff"}), frozenset({"anyone"})
NOBODY: Final = frozenset[str]()
type Need = frozenset[str] | None


def need(*permissions: str) -> frozenset[str]:
    return frozenset(permissions)


def admin_urls(patterns: Any = None, start: str = "") -> Iterator[str]:
    """Yield the name of each URL of the admin."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = start + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from admin_urls(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("admin/") and pattern.name:
            yield pattern.name


def may(role: str, needed: frozenset[str]) -> bool:
    if role == "anonymous":
        return needed == ANYONE
    if role == "no role":
        return needed in (ANYONE, STAFF)
    if role == OWNER:
        return bool(needed)
    return bool(needed & (permissions_of(role) | ANYONE | STAFF))


def user_of(role: str) -> User | None:
    match role:
        case "anonymous":
            return None
        case "no role":
            user: User = UserFactory(is_staff=True)
        case _ if role == OWNER:
            user = UserFactory(is_superuser=True, is_staff=True, password=PASSWORD)
        case _:
            user = UserFactory(role=role)
    return user


def is_refused(response: Any) -> bool:
    """Whether the response says that the user may not do this, or that there is no such object for them."""
    if response.status_code == 302:
        return response["Location"].startswith("/admin/login/") or response["Location"] == "/admin/"
    return response.status_code in {401, 403, 404}


@contextmanager
def undone() -> Iterator[list[str]]:
    """Undo what the block does. The list then has the statements that wrote more than a user's own temporary data.

    Such data are sessions with their messages, and autosaved text.
    """
    writes: list[str] = []
    with transaction.atomic(), executed_statements() as statements:
        yield writes
        transaction.set_rollback(True)
    changing, own = ("INSERT", "UPDATE", "DELETE"), ("accounts_session", "blog_autosave")
    writes += [sql for sql, _ in statements if sql.startswith(changing) and not any(table in sql for table in own)]


def post(client: Client, url: str, data: dict[str, Any]) -> tuple[bool, bool]:
    """Send a POST, undo it, and return whether it was refused, and whether it wrote anything."""
    with undone() as writes:
        response = client.post(url, data)
    return is_refused(response), bool(writes)
