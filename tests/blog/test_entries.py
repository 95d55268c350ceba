"""Posts, pages and categories: URLs, statuses and trees."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import override_settings
from django.utils import timezone

from blog.models import Category, Page, Post, Status
from blog.rendering import MAX_SOURCE_LENGTH, SourceTooLongError
from tests.factories import CategoryFactory, PageFactory, PostFactory

pytestmark = pytest.mark.django_db


class TestPostSlug:
    def test_is_made_from_the_title(self) -> None:
        assert PostFactory(title="Star power: a difficult, but “doable” mix").slug == (
            "star-power-a-difficult-but-doable-mix"
        )

    def test_gets_the_next_number_if_it_is_taken_on_that_day(self) -> None:
        now = timezone.now()
        assert [PostFactory(title="News", published_at=now).slug for _n in range(3)] == ["news", "news-2", "news-3"]

    def test_can_be_used_again_on_another_day(self) -> None:
        now = timezone.now()
        assert {PostFactory(title="News", published_at=now - dt.timedelta(days=n)).slug for n in range(3)} == {"news"}

    def test_stays_when_the_title_changes(self) -> None:
        post = PostFactory(title="Before")
        post.title = "After"
        post.save()
        assert post.slug == "before"

    def test_is_never_empty_once_published(self) -> None:
        assert PostFactory(title="🎉").slug == "post"

    def test_the_database_refuses_the_same_slug_on_the_same_day(self) -> None:
        first, second = PostFactory.create_batch(2, published_at=timezone.now())
        with pytest.raises(IntegrityError), transaction.atomic():
            Post.objects.filter(pk=second.pk).update(slug=first.slug)

    @pytest.mark.parametrize("slug", ["a/b", "a b", "what?", "a#b", "..", "100%"])
    def test_cannot_contain_characters_with_a_special_meaning_in_urls(self, slug: str) -> None:
        post = PostFactory.build(slug=slug)
        with pytest.raises(ValidationError) as error:
            post.full_clean(exclude=["author"])
        assert "slug" in error.value.message_dict


class TestDateInTheUrl:
    @override_settings(TIME_ZONE="Pacific/Auckland")
    def test_is_the_day_in_the_time_zone_of_the_site(self) -> None:
        post = PostFactory(slug="x", published_at=dt.datetime(2020, 6, 30, 20, 0, tzinfo=dt.UTC))
        assert post.get_absolute_url() == "/2020/07/01/x/"

    def test_stays_when_the_time_zone_of_the_site_changes(self) -> None:
        post = PostFactory(slug="x", published_at=dt.datetime(2020, 6, 30, 20, 0, tzinfo=dt.UTC))
        with override_settings(TIME_ZONE="Pacific/Auckland"):
            post.save()
        assert post.get_absolute_url() == "/2020/06/30/x/"

    def test_changes_with_the_publication_time(self) -> None:
        post = PostFactory(slug="x", published_at=dt.datetime(2020, 6, 30, tzinfo=dt.UTC))
        post.published_at = dt.datetime(2020, 7, 2, tzinfo=dt.UTC)
        post.save()
        assert post.get_absolute_url() == "/2020/07/02/x/"


class TestStatus:
    def test_a_post_published_without_a_time_is_published_now(self) -> None:
        before = timezone.now()
        post = PostFactory(published_at=None)
        assert post.published_at is not None
        assert before <= post.published_at <= timezone.now()
        assert post.is_public

    def test_scheduled_posts_become_public_when_they_are_due(self) -> None:
        post = PostFactory(published_at=timezone.now() + dt.timedelta(days=1))
        assert post.is_scheduled
        assert not Post.objects.published().exists()
        Post.objects.update(published_at=timezone.now() - dt.timedelta(seconds=1))
        assert Post.objects.published().get() == post

    @pytest.mark.parametrize("status", [status for status in Status if status != Status.PUBLISHED])
    def test_posts_with_any_other_status_are_not_public(self, status: Status) -> None:
        post = PostFactory(status=status)
        assert not post.is_public
        assert not Post.objects.published().exists()

    def test_the_database_refuses_an_unknown_status(self) -> None:
        post = PostFactory()
        with pytest.raises(IntegrityError), transaction.atomic():
            Post.objects.filter(pk=post.pk).update(status="public")

    def test_the_database_refuses_a_published_post_without_a_time(self) -> None:
        post = PostFactory()
        with pytest.raises(IntegrityError), transaction.atomic():
            Post.objects.filter(pk=post.pk).update(published_at=None)


class TestText:
    def test_is_rendered_when_it_changes(self) -> None:
        post = PostFactory(source="*one*")
        post.source = "*two*"
        post.save()
        assert "<em>two</em>" in Post.objects.get().body_html

    def test_is_stored_as_written(self) -> None:
        source = "  Odd \r\n\r\n\ttext \n<!--more-->\n"
        assert PostFactory(source=source).source == source
        assert Post.objects.get().source == source

    def test_is_rejected_if_it_is_too_long(self) -> None:
        post = PostFactory.build(source="x" * (MAX_SOURCE_LENGTH + 1))
        with pytest.raises(ValidationError) as error:
            post.clean()
        assert "source" in error.value.message_dict
        with pytest.raises(SourceTooLongError):
            post.render()

    def test_the_summary_is_the_excerpt_or_the_beginning(self) -> None:
        assert PostFactory(source="*First* sentence.", excerpt="").summary == "First sentence."
        assert PostFactory(source="*First* sentence.", excerpt="Chosen.").summary == "Chosen."

    @pytest.mark.parametrize(
        ("language", "direction"), [("ar", "rtl"), ("ps", "rtl"), ("fr", "ltr"), ("", ""), ("tlh", "")]
    )
    def test_has_the_direction_of_its_language(self, language: str, direction: str) -> None:
        assert PostFactory.build(language=language).direction == direction


class TestNeighbours:
    def test_are_the_public_posts_before_and_after(self) -> None:
        then = timezone.now() - dt.timedelta(days=9)
        first = PostFactory(published_at=then)
        twin = PostFactory(published_at=then)
        PostFactory(published_at=then + dt.timedelta(hours=1), status=Status.PRIVATE)
        last = PostFactory(published_at=then + dt.timedelta(days=1))
        assert first.neighbours() == (None, twin)
        assert twin.neighbours() == (first, last)
        assert last.neighbours() == (twin, None)


class TestTrees:
    def test_the_url_contains_the_parents(self) -> None:
        child = CategoryFactory(name="Laureates", parent=CategoryFactory(name="Awards"))
        assert child.get_absolute_url() == "/category/awards/laureates/"

    def test_descendants_move_with_their_parent(self) -> None:
        top = CategoryFactory(name="top")
        middle = CategoryFactory(name="middle", parent=top)
        CategoryFactory(name="low", parent=middle)
        CategoryFactory(name="topmost")
        top.slug = "summit"
        top.save()
        assert set(Category.objects.values_list("path", flat=True)) == {
            "summit",
            "summit/middle",
            "summit/middle/low",
            "topmost",
        }

    def test_a_node_cannot_be_below_itself(self) -> None:
        top = CategoryFactory(name="top")
        low = CategoryFactory(name="low", parent=CategoryFactory(name="middle", parent=top))
        for parent in (top, low):
            top.parent = parent
            with pytest.raises(ValidationError) as error:
                top.clean()
            assert "parent" in error.value.message_dict

    def test_a_node_cannot_move_where_a_url_below_it_would_be_too_long(self) -> None:
        node = CategoryFactory(slug="a" * 200)
        CategoryFactory(slug="b" * 200, parent=node)
        node.parent = CategoryFactory(slug="c" * 198)
        node.clean()
        node.parent = CategoryFactory(slug="d" * 199)
        with pytest.raises(ValidationError, match="too long"):
            node.clean()

    def test_a_slug_that_is_made_from_the_name_counts_as_well(self) -> None:
        page, category = PageFactory(title="a" * 198), CategoryFactory(name="a" * 198)
        for letter in "bc":
            page, category = (
                PageFactory(title=letter * 198, parent=page),
                CategoryFactory(name=letter * 198, parent=category),
            )
        for node in (Page(title="d" * 200, parent=page), Category(name="d" * 200, parent=category)):
            with pytest.raises(ValidationError, match="too long"):
                node.clean()

    def test_a_slug_of_nothing_but_hyphens_is_made_from_the_name(self) -> None:
        assert (PageFactory(title="About", slug="--").path, CategoryFactory(name="C", slug="-").path) == ("about", "c")

    def test_the_database_refuses_a_node_as_its_own_parent(self) -> None:
        category = CategoryFactory()
        with pytest.raises(IntegrityError), transaction.atomic():
            Category.objects.filter(pk=category.pk).update(parent=category)

    def test_pages_with_different_parents_can_have_the_same_slug(self) -> None:
        one, two = PageFactory(title="one"), PageFactory(title="two")
        paths = [PageFactory(title="team", parent=parent).path for parent in (one, two, one)]
        assert paths == ["one/team", "two/team", "one/team-2"]

    @pytest.mark.parametrize("slug", ["tag", "category", "feed", "admin", "2019"])
    def test_a_top_level_page_cannot_have_a_reserved_slug(self, slug: str) -> None:
        with pytest.raises(ValidationError) as error:
            PageFactory.build(slug=slug).clean()
        assert "slug" in error.value.message_dict

    def test_category_slugs_are_unique_in_the_whole_tree(self) -> None:
        parent = CategoryFactory(name="a")
        assert CategoryFactory(name="News").slug == "news"
        assert CategoryFactory(name="News", parent=parent).path == "a/news-2"


def test_guid_stays_the_same() -> None:
    post = PostFactory()
    before = post.guid
    post.title, post.slug = "Other", "other"
    post.save()
    assert Post.objects.get().guid == before
    assert before.startswith("urn:uuid:")
    assert Page(title="x").guid != before
