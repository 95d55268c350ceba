"""Factories for model instances with minimal data."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import factory
from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone
from factory.django import DjangoModelFactory

from accounts.models import User
from blog.models import Category, Page, Post, Status
from comments.models import Comment, CommentStatus
from core.changes import entries_changed
from core.slugs import slugify
from tags.models import Tag

# For users who log in through the form.
PASSWORD = "a-long-password-for-tests"


def at(year: int, month: int, day: int, hour: int = 12, minute: int = 0) -> dt.datetime:
    """Return a time in the site's time zone."""
    return timezone.make_aware(dt.datetime(year, month, day, hour, minute))


class UserFactory(DjangoModelFactory[User]):
    """`UserFactory(role="Editor")` creates a staff member with that role."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    display_name = factory.Sequence(lambda n: f"Person {n}")
    # For short URLs. If empty, it is made from the display name, as on a real site.
    slug = factory.LazyAttribute(lambda user: slugify(user.username))

    @classmethod
    def _create(cls, model_class: type[User], *args: Any, role: str = "", **kwargs: Any) -> User:
        if role:
            kwargs["is_staff"] = True
        user = User.objects.create_user(*args, **kwargs)
        if role:
            # A new user has no sessions that changing the role would have to end (accounts.models.people).
            User.groups.through.objects.create(user=user, group=Group.objects.get(name=role))
        return user


class CategoryFactory(DjangoModelFactory[Category]):
    class Meta:
        model = Category

    name = factory.Sequence(lambda n: f"Category {n}")


class TagFactory(DjangoModelFactory[Tag]):
    class Meta:
        model = Tag

    name = factory.Sequence(lambda n: f"tag {n}")


class EntryFactory(DjangoModelFactory[Any]):
    class Meta:
        abstract = True

    title = factory.Sequence(lambda n: f"Title {n}")
    source = factory.Sequence(lambda n: f"Text {n}.")
    author = factory.SubFactory(UserFactory)
    status = Status.PUBLISHED
    published_at = factory.Sequence(lambda n: at(2020, 1, 1) + dt.timedelta(hours=n))


class PostFactory(EntryFactory):
    """Published in 2020 by default. `PostFactory(tags=["a", "b"], categories=[category])` also files the post."""

    class Meta:
        model = Post

    @classmethod
    def _create(
        cls,
        model_class: type[Post],
        *args: Any,
        tags: Iterable[str | Tag] = (),
        categories: Iterable[Category] = (),
        **kwargs: Any,
    ) -> Post:
        """Store the post and file it before updating derived data, as the form does."""
        post = model_class(*args, **kwargs)
        with transaction.atomic():
            post.store(force_insert=True)
            if tags:
                post.tags.set(tags)
            if categories:
                post.categories.set(categories)
            entries_changed([post.pk])
        return post


class PageFactory(EntryFactory):
    class Meta:
        model = Page


class CommentFactory(DjangoModelFactory[Comment]):
    """Approved, on a new post unless `entry` is given. The comment count of the entry is not updated."""

    class Meta:
        model = Comment

    entry = factory.SubFactory(PostFactory)
    name = factory.Sequence(lambda n: f"Reader {n}")
    email = factory.Sequence(lambda n: f"reader{n}@example.org")
    text = factory.Sequence(lambda n: f"Comment {n}.")
    status = CommentStatus.APPROVED
    created_at = factory.Sequence(lambda n: at(2021, 1, 1) + dt.timedelta(minutes=n))
