"""What the tests of the admin share: people at their desks, and the forms they send."""

from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils.timezone import localtime

from accounts.models import User
from blog.models import Page, Post
from tests.factories import UserFactory

ROLES = ("nobody", "staff", "Author", "Editor", "Moderator", "superuser")


def person(role: str) -> User | None:
    """Somebody in this role; "staff" may enter the admin and no more, "nobody" is not logged in."""
    match role:
        case "nobody":
            return None
        case "staff":
            user: User = UserFactory(is_staff=True)
        case "superuser":
            user = UserFactory(is_staff=True, is_superuser=True)
        case _:
            user = UserFactory(role=role)
    return user


def at_desk(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def admin_page(entry: Post | Page | type[Post] | type[Page], name: str) -> str:
    args = [] if isinstance(entry, type) else [entry.pk]
    return reverse(f"admin:blog_{entry._meta.model_name}_{name}", args=args)


def form(entry: Post | Page | None = None, **typed: Any) -> dict[str, Any]:
    """What the form of `entry`, or an empty one, sends when only `typed` was changed. Fields left out are not sent."""
    sent: dict[str, Any] = {"title": "", "source": "", "status": "draft", "comments_open": "on"}
    if entry is not None:
        sent |= {name: getattr(entry, name) for name in ("title", "source", "status", "slug", "excerpt", "language")}
        sent |= {"author": entry.author_id, "version": entry.modified_at.isoformat()}
        if entry.published_at:
            moment = localtime(entry.published_at)
            sent |= {"published_at_0": f"{moment:%Y-%m-%d}", "published_at_1": f"{moment:%H:%M:%S}"}
    if isinstance(entry, Post):
        sent["categories"] = [category.pk for category in entry.categories.all()]
        sent["tags"] = ", ".join(tag.name for tag in entry.tags.all())
    if isinstance(entry, Page):
        sent |= {"menu_order": entry.menu_order, "parent": entry.parent_id or ""}
    return {name: value for name, value in (sent | typed).items() if value is not None}
