"""Tagging posts: a fixed number of statements, and one tag per name, even if several users create it at once."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from blog.models import Post, Status
from core.changes import entries_changed
from core.models import SiteSettings
from core.slugs import slugify
from tags import models
from tags.models import FormerName, Tag, TagAlias, TaggedPost
from tests.factories import PostFactory, TagFactory
from tests.factories.types import AtOnce

NAMES = [f"name {index}" for index in range(10)]


def names_of(post: Post) -> list[str]:
    return [tag.name for tag in Post.objects.get(pk=post.pk).tags.all()]


@pytest.mark.django_db
class TestSet:
    def test_creates_ten_tags_in_a_fixed_number_of_statements(self, django_assert_max_num_queries: Any) -> None:
        post = PostFactory()
        with django_assert_max_num_queries(10):
            post.tags.set(NAMES)
        assert names_of(post) == NAMES

    def test_takes_only_a_few_more_statements_if_tags_compete_for_slugs(
        self, django_assert_max_num_queries: Any
    ) -> None:
        TagFactory(name="C")
        TagFactory(name="x", slug="c-3")
        post = PostFactory(tags=["before"])
        names = ["C+", "C++", "🎉", "🎊", *NAMES]
        with django_assert_max_num_queries(11):
            post.tags.set(names)
        assert names_of(post) == names
        slugs = dict(Tag.objects.values_list("name", "slug"))
        assert [slugs[name] for name in ("C+", "C++", "🎉", "🎊")] == ["c-2", "c-4", "tag", "tag-2"]

    def test_keeps_the_rows_of_tags_that_stay(self) -> None:
        post = PostFactory(tags=["a", "b"])
        kept = TaggedPost.objects.get(tag__name="b").pk
        post.tags.set(["B", "c"])
        assert names_of(post) == ["b", "c"]
        assert TaggedPost.objects.get(tag__name="b").pk == kept

    def test_takes_tags_and_names(self) -> None:
        tag = TagFactory(name="a")
        post = PostFactory()
        post.tags.set([tag, "A", "b"])
        assert names_of(post) == ["a", "b"]

    def test_an_empty_list_removes_all_tags(self) -> None:
        post = PostFactory(tags=["a", "b"])
        post.tags.set([])
        assert names_of(post) == []
        assert Tag.objects.count() == 2

    def test_a_new_tag_has_the_publication_time_of_the_post(self) -> None:
        post = PostFactory(tags=["a"])
        draft = PostFactory(status=Status.DRAFT, tags=["a"])
        assert TaggedPost.objects.get(content_object=post).published_at == post.published_at
        assert TaggedPost.objects.get(content_object=draft).published_at is None

    def test_a_new_tag_takes_no_slug_that_redirects_to_another(self) -> None:
        TagAlias.objects.create(slug="name-1", tag=TagFactory(name="other"))
        PostFactory(tags=NAMES)
        assert Tag.objects.get(name="name 1").slug == "name-1-2"
        assert TagAlias.objects.get().tag.name == "other"

    def test_discards_prefetched_tags(self) -> None:
        PostFactory(tags=["a"])
        post = Post.objects.prefetch_related("tags").get()
        assert [tag.name for tag in post.tags.all()] == ["a"]
        post.tags.set(["b"])
        assert [tag.name for tag in post.tags.all()] == ["b"]

    @pytest.mark.parametrize("name", ["", "  "])
    def test_refuses_an_empty_name(self, name: str) -> None:
        with pytest.raises(IntegrityError):
            PostFactory(tags=["a", name])


@pytest.mark.django_db
class TestOtherMethods:
    def test_add_keeps_existing_tags(self, django_assert_max_num_queries: Any) -> None:
        post = PostFactory(tags=["a"])
        with django_assert_max_num_queries(11):
            post.tags.add("A", *NAMES)
        assert names_of(post) == ["a", *NAMES]

    def test_remove_takes_names(self) -> None:
        post = PostFactory(tags=["a", "b", "c"])
        post.tags.remove("a", "c")
        assert names_of(post) == ["b"]

    def test_clear_removes_all_tags(self) -> None:
        post = PostFactory(tags=["a", "b"])
        post.tags.clear()
        assert names_of(post) == []


@pytest.mark.django_db(transaction=True)
class TestContentVersion:
    @pytest.fixture
    def post(self) -> Post:
        post: Post = PostFactory(tags=["a", "b"])
        return post

    def test_is_incremented_once_when_tags_are_set(self, post: Post) -> None:
        before = SiteSettings.current().content_version
        post.tags.set(["b", *NAMES])
        assert SiteSettings.current().content_version == before + 1

    def test_stays_the_same_when_a_draft_gets_new_tags(self) -> None:
        draft = PostFactory(status=Status.DRAFT)
        before = SiteSettings.current().content_version
        draft.tags.set(NAMES)
        assert SiteSettings.current().content_version == before

    def test_stays_the_same_when_no_tag_changes(self, post: Post) -> None:
        before = SiteSettings.current().content_version
        post.tags.set(["B", "A"])
        post.tags.add("a")
        assert SiteSettings.current().content_version == before

    def test_is_incremented_by_every_way_to_change_tags(self, post: Post) -> None:
        tag = Tag.objects.get(name="a")
        changes: list[Callable[[], object]] = [
            lambda: post.tags.add("c"),
            lambda: post.tags.remove("c"),
            lambda: Tag.objects.filter(pk=tag.pk).update(description="About a"),
            lambda: tag.save(),
            lambda: TagAlias.objects.create(slug="old", tag=tag),
            lambda: TagAlias.objects.all().delete(),
            lambda: FormerName.objects.give({"before": tag.pk}),
            lambda: FormerName.objects.all().delete(),
            lambda: Tag.objects.bulk_create([Tag(name="d", key="d", search_key="d", slug="d")]),
            lambda: Tag.objects.filter(name="d").delete(),
            lambda: TaggedPost.objects.filter(tag=tag).delete(),
            lambda: tag.delete(),
            lambda: post.tags.clear(),
        ]
        for index, change in enumerate(changes):
            before = SiteSettings.current().content_version
            change()
            assert SiteSettings.current().content_version > before, index


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_users_who_create_the_same_tags_at_once_share_them(self, at_once: AtOnce) -> None:
        posts = PostFactory.create_batch(4)
        shuffled = [NAMES, NAMES[::-1], NAMES[5:] + NAMES[:5], NAMES]
        at_once(*(partial(post.tags.set, names) for post, names in zip(posts, shuffled, strict=True)))
        assert Tag.objects.count() == 10
        for post in posts:
            assert sorted(names_of(post)) == NAMES

    def test_tagging_the_same_post_twice_at_once_tags_it_once(self, at_once: AtOnce) -> None:
        post = PostFactory()
        at_once(*[lambda: Post.objects.get(pk=post.pk).tags.add(*NAMES)] * 4)
        assert sorted(names_of(post)) == NAMES

    def test_tags_created_between_query_and_insertion_are_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        post, rivals = PostFactory(), ["NAME 3", "Name (4)", "Name 4 2"]
        insert = models.TagQuerySet.raw

        def insert_after_rivals(tags: Any, *args: Any, **kwargs: Any) -> Any:
            # One takes the name of a new tag, another its slug, and later one the slug that the new tag gets instead.
            rivals_now = [rivals.pop(0) for _ in range(min(2, len(rivals)))]
            for name in rivals_now:
                TagFactory(name=name, slug=slugify(name))
            return insert(tags, *args, **kwargs)

        monkeypatch.setattr(models.TagQuerySet, "raw", insert_after_rivals)
        post.tags.set(NAMES)
        assert [name.lower() for name in names_of(post)] == NAMES
        assert Tag.objects.get(key="name 3").name == "NAME 3"
        assert Tag.objects.get(key="name 4").slug == "name-4-3"


@pytest.mark.django_db
class TestPublicationTime:
    """The rows of tags are updated after every announced change to a post."""

    def test_is_looked_up_and_updated_in_one_statement_each(self) -> None:
        now = timezone.now()
        posts = PostFactory.create_batch(5, tags=["a", "b"])
        Post.objects.filter(pk=posts[0].pk).update(status=Status.TRASH)
        Post.objects.filter(pk=posts[1].pk).update(published_at=now + dt.timedelta(days=1))
        Post.objects.filter(pk=posts[4].pk).update(status=Status.TRASH)
        with CaptureQueriesContext(connection) as captured:
            TaggedPost.objects.update_published_at([post.pk for post in posts[:4]])
        assert len(captured) == 2
        for post in Post.objects.filter(pk__in=[post.pk for post in posts[:4]]):
            assert {row.published_at for row in TaggedPost.objects.filter(content_object=post)} == {post.public_from}
        # This post was not among those announced.
        assert {row.published_at for row in TaggedPost.objects.filter(content_object=posts[4])} != {None}

    def test_is_a_change_handler(self) -> None:
        post = PostFactory(tags=["a"])
        Post.objects.update(status=Status.PRIVATE)
        entries_changed([post.pk])
        assert TaggedPost.objects.get().published_at is None
        Post.objects.update(status=Status.PUBLISHED)
        entries_changed([post.pk])
        assert TaggedPost.objects.get().published_at == post.published_at

    def test_correct_rows_are_left_alone(self) -> None:
        posts = [PostFactory(tags=["a"]), PostFactory(tags=["a"], status=Status.DRAFT)]
        with CaptureQueriesContext(connection) as captured:
            TaggedPost.objects.update_published_at([post.pk for post in posts])
        assert [query["sql"].split()[0] for query in captured] == ["SELECT"]
