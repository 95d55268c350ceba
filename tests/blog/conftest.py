"""Fixtures for tests of the blog."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from blog.appearance import versions
from blog.appearance.documents import AppearanceForm, default_document
from blog.models import SiteAppearance
from tests.factories import UserFactory


@pytest.fixture
def owner() -> User:
    user: User = UserFactory(is_staff=True, is_superuser=True)
    return user


@pytest.fixture
def editor() -> User:
    user: User = UserFactory(role="Editor")
    return user


@pytest.fixture
def publish_appearance(owner: User, django_capture_on_commit_callbacks: Any) -> Callable[..., int]:
    """Publish an appearance with these values, and return the version to go back to."""

    def publish(**values: object) -> int:
        form = AppearanceForm({**default_document(), **values})
        assert form.is_valid(), form.errors
        with django_capture_on_commit_callbacks(execute=True):
            return versions.publish(form.cleaned_data, by=owner, seen=versions.stamp(SiteAppearance.current()))

    return publish
