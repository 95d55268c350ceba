"""Prepared queries return the same as the query sets they are built from, but compile their SQL only once."""

import datetime as dt
from typing import Any
from uuid import UUID

import pytest
from django.core.exceptions import FieldFetchBlocked
from django.db import router, transaction
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from blog.models import Post
from blog.replica_reads import ReplicaRouter
from core.prepared import Prepared, together
from tags.models import TaggedPost
from tests.factories import PostFactory, at

pytestmark = pytest.mark.django_db


class TestRows:
    def test_values_of_each_type_find_the_same_as_in_a_query_set(self) -> None:
        old, new = (
            PostFactory(published_at=at(2020, 1, 1), slug="a", translation_group=UUID(int=1)),
            PostFactory(published_at=at(2021, 1, 1), slug="ä'%s"),
        )
        by_time = Prepared[Post](lambda time: Post.objects.filter(published_at__lte=time))
        by_day = Prepared[Post](lambda day: Post.objects.filter(published_on=day))
        by_slug = Prepared[Post](lambda slug: Post.objects.filter(slug=slug))
        by_pk = Prepared[Post](lambda pk: Post.objects.filter(pk=pk))
        by_group = Prepared[Post](lambda group: Post.objects.filter(translation_group=group))
        assert by_time(at(2020, 6, 1)) == [old]
        assert by_time(timezone.now()) == [new, old]
        assert by_day(dt.date(2021, 1, 1)) == [new]
        assert [by_slug("a"), by_slug("ä'%s"), by_slug("b")] == [[old], [new], []]
        assert [by_pk(old.pk), by_pk(new.pk)] == [[old], [new]]
        assert [by_group(UUID(int=1)), by_group(UUID(int=2))] == [[old], []]

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

    def test_ids_that_the_database_cannot_store_find_nothing(self) -> None:
        post = PostFactory()
        by_pk = Prepared[Post](lambda pk: Post.objects.filter(pk=pk))
        assert by_pk(post.pk) == [post]
        assert by_pk(2**63) == by_pk(10**30) == []

    def test_relations_may_be_empty_or_locked(self) -> None:
        post = PostFactory()
        locked = Prepared[Post](lambda pk: Post.objects.filter(pk=pk).select_for_update().select_related(None))
        with_picture = Prepared[Post](lambda pk: Post.objects.filter(pk=pk).select_related("featured_picture"))
        with transaction.atomic():
            assert locked(post.pk) == [post]
        (found,) = with_picture(post.pk)
        assert found.featured_picture is None


class TestTogether:
    def test_each_query_returns_the_same_rows_as_alone(self, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        posts = [PostFactory(slug=f"post-{n}", published_at=at(2020, 1, n), tags=["peace"]) for n in (1, 2, 3)]
        by_time = Prepared[Post](
            lambda time: Post.objects.filter(published_at__lte=time).select_related("author", "featured_picture")
        )
        newest = Prepared[Post](lambda slug: Post.objects.filter(slug__gte=slug).order_by("-slug").only("slug")[:2])
        names = Prepared[tuple[int, str]](
            lambda ids: TaggedPost.objects.filter(content_object__pk__in=ids).values_list("pk", "tag__name")
        )
        queries: list[tuple[Prepared[Any], Any]] = [
            (by_time, at(2020, 1, 2)),
            (newest, "post-1"),
            (names, [post.pk for post in posts]),
            (newest, "z"),
        ]
        alone = [query(value) for query, value in queries]
        with django_assert_num_queries(1):
            rows = together(*((query, [value]) for query, value in queries))
            assert {post.author for post in rows[0]} == {post.author for post in alone[0]}
        assert [sorted(each, key=str) for each in rows] == [sorted(each, key=str) for each in alone]
        assert [len(each) for each in rows] == [2, 2, 3, 0]
        for one, other in zip(rows[0], alone[0], strict=True):
            assert {**vars(one), "_state": None} == {**vars(other), "_state": None}

    def test_the_statement_is_built_once(self) -> None:
        built = []

        def build(slug: Any) -> QuerySet[Post]:
            built.append(slug)
            return Post.objects.filter(slug=slug)

        query = Prepared[Post](build)
        other = Prepared[Post](lambda pk: Post.objects.filter(pk=pk))
        for slug in ("a", "b"):
            together((query, [slug]), (other, [1]))
        assert len(built) == 2


class TestCompiling:
    def test_the_query_set_is_built_once_for_each_shape(self) -> None:
        built = []

        def build(ids: Any, *, stop: int) -> QuerySet[Post]:
            built.append((len(ids), stop))
            return Post.objects.filter(pk__in=ids)[:stop]

        prepared = Prepared[Post](build)
        prepared([1, 2], stop=3)
        compiled = list(built)
        prepared([3, 4], stop=3)
        assert built == compiled
        # Sequences are filled up to a power of two.
        prepared([3, 4, 5], stop=3)
        prepared([3, 4, 5, 6], stop=3)
        prepared([3, 4], stop=4)
        assert built == [*compiled, *[(4, 3)] * 2, *[(2, 4)] * 2]

    def test_few_shapes_are_cached_and_all_others_are_built_again(self) -> None:
        built: list[int] = []

        def build(*, stop: int) -> QuerySet[Post]:
            built.append(stop)
            return Post.objects.all()[:stop]

        prepared = Prepared[Post](build)
        PostFactory()
        for stop in range(1, 200):
            assert len(prepared(stop=stop)) == 1
        assert len(prepared._statements) < 50
        built.clear()
        assert len(prepared(stop=199)) == len(prepared(stop=1)) == 1
        assert set(built) == {1}

    def test_the_current_time_must_be_a_parameter(self) -> None:
        """Otherwise, scheduled posts would never appear."""
        with pytest.raises(ValueError, match="Make it a parameter"):
            Prepared[Post](lambda: Post.objects.published())()

    def test_the_router_chooses_the_database_that_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        prepared = Prepared[Post](lambda: Post.objects.all())
        prepared()
        monkeypatch.setattr(router, "routers", [ReplicaRouter()])
        monkeypatch.setattr(ReplicaRouter, "db_for_read", lambda *_arguments, **_hints: "nowhere")
        with pytest.raises(Exception, match="nowhere"):
            prepared()
