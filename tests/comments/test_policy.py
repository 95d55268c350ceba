"""Whether an entry accepts comments."""

import datetime as dt

import pytest
from django.utils import timezone

from blog.models import Status
from comments.models import CommentSettings
from tests.factories import PageFactory, PostFactory

pytestmark = pytest.mark.django_db


def test_comments_are_closed_by_the_post_the_site_or_age() -> None:
    settings = CommentSettings.current()
    post = PostFactory(published_at=timezone.now() - dt.timedelta(days=10))
    assert settings.is_open(post)
    settings.close_comments_after_days = 10
    assert not settings.is_open(post)
    settings.close_comments_after_days = 11
    assert settings.is_open(post)
    settings.comments_open = False
    assert not settings.is_open(post)
    settings.comments_open, post.comments_open = True, False
    assert not settings.is_open(post)


def test_pages_of_any_age_accept_comments() -> None:
    settings = CommentSettings.current()
    settings.close_comments_after_days = 1
    assert settings.is_open(PageFactory(published_at=timezone.now() - dt.timedelta(days=10)))


def test_hidden_posts_accept_no_comments() -> None:
    assert not CommentSettings.current().is_open(PostFactory(status=Status.DRAFT))
