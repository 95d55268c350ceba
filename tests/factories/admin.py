"""Users of each role, clients that are logged in, and form data for the admin."""

from typing import Any

from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils.timezone import localtime

from accounts.models import User
from blog.admin.merging import version_of
from blog.models import Page, Post
from tests.factories import PASSWORD, UserFactory

ROLES = ("anonymous", "staff", "Author", "Editor", "Moderator", "superuser")


def user_in_role(role: str) -> User | None:
    """Return a new user. "staff" can open the admin but has no permissions; "anonymous" is None."""
    match role:
        case "anonymous":
            return None
        case "staff":
            user: User = UserFactory(is_staff=True)
        case "superuser":
            user = UserFactory(is_staff=True, is_superuser=True, password=PASSWORD)
        case _:
            user = UserFactory(role=role)
    return user


def client_of(user: User | None) -> Client:
    """Return a client that is logged in as `user`."""
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def admin_url(entry: Post | Page | type[Post] | type[Page], name: str) -> str:
    args = [] if isinstance(entry, type) else [entry.pk]
    return reverse(f"admin:blog_{entry._meta.model_name}_{name}", args=args)


def version_of_form(entry: Post | Page) -> str:
    """Return the version in the form of `entry`, by which the server detects that it was changed in the meantime."""
    return version_of(entry, entry.categories.all(), entry.tags.all() if isinstance(entry, Post) else ())


def form_data(entry: Post | Page | None = None, **changes: Any) -> dict[str, Any]:
    """Return the data that the form of `entry` (or of a new one) submits. A change to None leaves the field out.

    Without `_step`, which names a button, the form saves.
    """
    data: dict[str, Any] = {"title": "", "source": "", "comments_open": "on"}
    if entry is not None:
        data |= {name: getattr(entry, name) for name in ("title", "source", "slug", "excerpt", "language", "password")}
        data |= {"author": entry.author_id, "version": version_of_form(entry)}
        if entry.published_at:
            data["published_at"] = f"{localtime(entry.published_at):%Y-%m-%dT%H:%M}"
    if isinstance(entry, Post):
        data["categories"] = [category.pk for category in entry.categories.all()]
        data["tags"] = ", ".join(tag.name for tag in entry.tags.all())
    if isinstance(entry, Page):
        data |= {"menu_order": entry.menu_order, "parent": entry.parent_id or ""}
    return {name: value for name, value in (data | changes).items() if value is not None}


def log_in(client: Client, role: str) -> None:
    """Log in a user with this role, a "reader" with an account, or a "viewer" of comments. "anonymous" does nothing."""
    if role == "anonymous":
        return
    if role == "reader":
        user = UserFactory.create()
    elif role == "superuser":
        user = UserFactory.create(is_staff=True, is_superuser=True)
    elif role == "viewer":
        user = UserFactory.create(is_staff=True)
        user.user_permissions.add(Permission.objects.get(codename="view_comment"))
    else:
        user = UserFactory.create(role=role)
    client.force_login(user)


def is_refused(response: Any) -> bool:
    """Whether the response is 403, or a redirect to the log-in page for users who aren't staff."""
    return response.status_code == 403 or "/admin/login/" in response.get("Location", "")
