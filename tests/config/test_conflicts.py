"""Two people with the same form of the admin: the second one to save is told, and overwrites nothing unknowingly."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Model
from django.test import Client

from comments.models import Block, CommentSettings
from core.models import SiteSettings
from core.versioned_form import VersionedForm
from media.models import Document
from newsletter.models import NewsletterSettings
from readers.models import ReaderSettings
from tests.factories import CategoryFactory, TagFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.responses import one, read, text
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> Client:
    return client_of(user_in_role("superuser"))


def opened(client: Client, obj: Model) -> tuple[str, dict[str, Any]]:
    """Return the URL of the form of `obj`, and what the browser would submit if nothing were entered."""
    url = f"/admin/{obj._meta.app_label}/{obj._meta.model_name}/{obj.pk}/change/"
    return url, values_of(client.get(url))


def values_of(response: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, value in one(read(response), f"#{response.context['opts'].model_name}_form").form_values():
        # Browsers leave out the line break with which text areas start.
        values.setdefault(name, []).append(value.removeprefix("\n"))
    return values


CASES: list[tuple[Callable[[], Model], dict[str, Any], dict[str, Any]]] = [
    (SiteSettings.current, {"title": "Theirs"}, {"tagline": "Mine"}),
    (CommentSettings.current, {"close_comments_after_days": 30}, {"links_allowed": 3}),
    (ReaderSettings.current, {"count_readers": "on"}, {"keep_months": 3}),
    (NewsletterSettings.current, {"hour": 6}, {"hour": 9}),
    (CategoryFactory, {"name": "Theirs"}, {"description": "Mine"}),
    (TagFactory, {"description": "Theirs"}, {"description": "Mine"}),
    (UserFactory, {"bio": "Theirs"}, {"role": "Editor"}),
    (lambda: UserFactory(role="Author"), {"role": "Editor"}, {"bio": "Mine"}),
    (lambda: Group.objects.create(name="Helpers"), {"granted": ["comments.moderation"]}, {"name": "Mine"}),
    (lambda: Block.objects.create(kind="word", text="casino", key="casino"), {"verdict": "spam"}, {"text": "poker"}),
    (lambda: Document.objects.create(title="Report", file="report.pdf"), {"title": "Theirs"}, {"title": "Mine"}),
]


@pytest.mark.parametrize(("create", "theirs", "mine"), CASES)
def test_who_saves_second_is_told_and_can_then_save(
    owner: Client, create: Callable[[], Model], theirs: dict[str, Any], mine: dict[str, Any]
) -> None:
    url, values = opened(owner, create())
    assert owner.post(url, values | theirs).status_code == 302
    response = owner.post(url, values | mine)
    assert response.status_code == 200
    assert "This was changed elsewhere after you opened it." in text(read(response))
    again = values_of(response)
    ((name, value),) = mine.items()
    assert again.get(name, [""]) == [str(value)]
    assert owner.post(url, again).status_code == 302


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("create", "name"),
    [
        (SiteSettings.current, "title"),
        (CommentSettings.current, "links_allowed"),
        (NewsletterSettings.current, "hour"),
        (CategoryFactory, "description"),
        (TagFactory, "description"),
        (UserFactory, "bio"),
        (lambda: Group.objects.create(name="Helpers"), "name"),
        (lambda: Block.objects.create(kind="word", text="casino", key="casino"), "text"),
        (lambda: Document.objects.create(title="Report", file="report.pdf"), "title"),
    ],
)
def test_only_one_of_several_simultaneous_saves_succeeds(
    create: Callable[[], Model], name: str, at_once: AtOnce
) -> None:
    obj = create()
    clients = [client_of(user_in_role("superuser")) for _ in range(4)]
    url, values = opened(clients[0], obj)
    responses = at_once(
        *[
            lambda client=client, value=value: client.post(url, values | {name: value})
            for value, client in enumerate(clients, start=3)
        ]
    )
    assert sorted(response.status_code for response in responses) == [200, 200, 200, 302]
    (winner,) = (value for value, response in enumerate(responses, start=3) if response.status_code == 302)
    assert str(getattr(type(obj)._default_manager.get(pk=obj.pk), name)) == str(winner)


def test_a_form_that_is_submitted_twice_is_no_conflict(owner: Client) -> None:
    url, values = opened(owner, CategoryFactory())
    for _click in range(2):
        assert owner.post(url, values | {"name": "Once"}).status_code == 302


def test_a_form_without_a_version_such_as_that_of_a_script_is_saved(owner: Client) -> None:
    url, values = opened(owner, CategoryFactory())
    owner.post(url, values | {"description": "Theirs"})
    assert owner.post(url, values | {"version": "", "description": "Mine"}).status_code == 302


def test_every_form_of_the_admin_notices_conflicts() -> None:
    unversioned = {
        each.__name__ for each, made in admin.site._registry.items() if not issubclass(made.form, VersionedForm)
    }
    # Comments have marks, which the moderation queue compares too; everyone sees only their own notifications; and
    # redirects can't be changed.
    assert unversioned == {"Comment", "NotificationPreference", "Redirect"}
