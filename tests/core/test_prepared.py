"""Prepared queries return what the same query sets return, whose SQL is compiled only once."""

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import FieldFetchBlocked
from django.db import router
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from blog.models import Post
from core.prepared import Prepared
from core.replicas import ReplicaRouter
from tags.models import TaggedPost
from tests.factories import PostFactory, at

pytestmark = pytest.mark.django_db


class TestRows:
    def test_values_of_each_type_find_what_they_find_in_a_query_set(self) -> None:
        old, new = (
            PostFactory(published_at=at(2020, 1, 1), slug="a"),
            PostFactory(published_at=at(2021, 1, 1), slug="ä'%s"),
        )
        by_time = Prepared[Post](lambda time: Post.objects.filter(published_at__lte=time))
        by_day = Prepared[Post](lambda day: Post.objects.filter(published_on=day))
        by_slug = Prepared[Post](lambda slug: Post.objects.filter(slug=slug))
        by_pk = Prepared[Post](lambda pk: Post.objects.filter(pk=pk))
        assert by_time(at(2020, 6, 1)) == [old]
        assert by_time(timezone.now()) == [new, old]
        assert by_day(dt.date(2021, 1, 1)) == [new]
        assert [by_slug("a"), by_slug("ä'%s"), by_slug("b")] == [[old], [new], []]
        assert [by_pk(old.pk), by_pk(new.pk)] == [[old], [new]]

    def test_a_sequence_may_have_any_length(self) -> None:
        posts = PostFactory.create_batch(3)
        by_ids = Prepared[Post](lambda ids: Post.objects.filter(pk__in=ids).order_by("pk"))
        for count in (3, 1, 2, 0):
            assert by_ids([post.pk for post in posts[:count]]) == posts[:count]

    def test_columns_relations_and_the_fetch_mode_are_those_of_the_query_set(
        self, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        post = PostFactory(tags=["peace"])
        listed = Prepared[Post](lambda pk: Post.objects.filter(pk=pk).for_listing(with_author=True))
        with django_assert_num_queries(1):
            (found,) = listed(post.pk)
            assert found.author == post.author
        with pytest.raises(FieldFetchBlocked):
            _ = found.source
        names = Prepared[tuple[int, str]](
            lambda ids: TaggedPost.objects.filter(content_object__pk__in=ids).values_list("content_object", "tag__name")
        )
        assert names([post.pk]) == [(post.pk, "peace")]

    def test_keywords_shape_the_query(self) -> None:
        posts = PostFactory.create_batch(3)
        first = Prepared[Post](lambda *, stop, order: Post.objects.order_by(order)[:stop])
        assert first(stop=2, order="pk") == posts[:2]
        assert first(stop=1, order="-pk") == posts[2:]


class TestCompiling:
    def test_the_query_set_is_made_once_for_each_shape(self) -> None:
        made = []

        def build(ids: Any, *, stop: int) -> QuerySet[Post]:
            made.append((len(ids), stop))
            return Post.objects.filter(pk__in=ids)[:stop]

        prepared = Prepared[Post](build)
        prepared([1, 2], stop=3)
        compiled = list(made)
        prepared([3, 4], stop=3)
        assert made == compiled
        prepared([3, 4, 5], stop=3)
        prepared([3, 4], stop=4)
        assert set(made) == {(2, 3), (3, 3), (2, 4)}

    def test_the_current_time_must_be_a_parameter(self) -> None:
        """Or else what is scheduled would never appear."""
        with pytest.raises(ValueError, match="Make it a parameter"):
            Prepared[Post](lambda: Post.objects.published())()

    def test_the_router_says_which_database_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        prepared = Prepared[Post](lambda: Post.objects.all())
        prepared()
        monkeypatch.setattr(router, "routers", [ReplicaRouter()])
        monkeypatch.setattr(ReplicaRouter, "db_for_read", lambda *_arguments, **_hints: "nowhere")
        with pytest.raises(Exception, match="nowhere"):
            prepared()
