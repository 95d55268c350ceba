"""Posts, pages and categories: addresses, states, trees."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import override_settings
from django.utils import timezone

from blog.models import Category, Page, Post, SiteSettings, Status
from blog.rendering import MAX_SOURCE_LENGTH, SourceTooLong
from tests.factories import CategoryFactory, PageFactory, PostFactory

pytestmark = pytest.mark.django_db


class TestSlugOfAPost:
    def test_is_made_from_the_title(self) -> None:
        assert PostFactory(title="Star power: a difficult, but “doable” mix").slug == (
            "star-power-a-difficult-but-doable-mix"
        )

    def test_taken_on_that_day_gets_the_next_number(self) -> None:
        moment = timezone.now()
        assert [PostFactory(title="News", published_at=moment).slug for _n in range(3)] == ["news", "news-2", "news-3"]

    def test_may_be_shared_with_a_post_of_another_day(self) -> None:
        now = timezone.now()
        assert {PostFactory(title="News", published_at=now - dt.timedelta(days=n)).slug for n in range(3)} == {"news"}

    def test_stays_when_the_title_changes(self) -> None:
        post = PostFactory(title="Before")
        post.title = "After"
        post.save()
        assert post.slug == "before"

    def test_is_never_empty_once_published(self) -> None:
        assert PostFactory(title="🎉").slug == "post"

    def test_two_posts_of_one_address_are_refused_by_the_database(self) -> None:
        first, second = PostFactory.create_batch(2, published_at=timezone.now())
        with pytest.raises(IntegrityError), transaction.atomic():
            Post.objects.filter(pk=second.pk).update(slug=first.slug)

    @pytest.mark.parametrize("slug", ["a/b", "a b", "what?", "a#b", "..", "100%"])
    def test_refuses_what_cannot_stand_in_an_address(self, slug: str) -> None:
        post = PostFactory.build(slug=slug)
        with pytest.raises(ValidationError) as error:
            post.full_clean(exclude=["author"])
        assert "slug" in error.value.message_dict


class TestDayInTheAddress:
    @override_settings(TIME_ZONE="Pacific/Auckland")
    def test_is_the_day_on_the_sites_clock(self) -> None:
        post = PostFactory(slug="x", published_at=dt.datetime(2020, 6, 30, 20, 0, tzinfo=dt.UTC))
        assert post.get_absolute_url() == "/2020/07/01/x/"

    def test_stays_when_the_clock_of_the_site_changes(self) -> None:
        post = PostFactory(slug="x", published_at=dt.datetime(2020, 6, 30, 20, 0, tzinfo=dt.UTC))
        with override_settings(TIME_ZONE="Pacific/Auckland"):
            post.save()
        assert post.get_absolute_url() == "/2020/06/30/x/"

    def test_follows_when_the_moment_is_changed(self) -> None:
        post = PostFactory(slug="x", published_at=dt.datetime(2020, 6, 30, tzinfo=dt.UTC))
        post.published_at = dt.datetime(2020, 7, 2, tzinfo=dt.UTC)
        post.save()
        assert post.get_absolute_url() == "/2020/07/02/x/"


class TestStatus:
    def test_published_without_a_moment_is_published_now(self) -> None:
        before = timezone.now()
        post = PostFactory(published_at=None)
        assert post.published_at is not None
        assert before <= post.published_at <= timezone.now()
        assert post.is_public

    def test_scheduled_appears_by_itself(self) -> None:
        post = PostFactory(published_at=timezone.now() + dt.timedelta(days=1))
        assert post.is_scheduled
        assert not Post.objects.published().exists()
        Post.objects.update(published_at=timezone.now() - dt.timedelta(seconds=1))
        assert Post.objects.published().get() == post

    @pytest.mark.parametrize("status", [status for status in Status if status != Status.PUBLISHED])
    def test_no_other_status_is_public(self, status: Status) -> None:
        post = PostFactory(status=status)
        assert not post.is_public
        assert not Post.objects.published().exists()

    def test_unknown_status_is_refused_by_the_database(self) -> None:
        post = PostFactory()
        with pytest.raises(IntegrityError), transaction.atomic():
            Post.objects.filter(pk=post.pk).update(status="public")

    def test_published_without_a_moment_is_refused_by_the_database(self) -> None:
        post = PostFactory()
        with pytest.raises(IntegrityError), transaction.atomic():
            Post.objects.filter(pk=post.pk).update(published_at=None)


class TestText:
    def test_is_rendered_at_each_save(self) -> None:
        post = PostFactory(source="*one*")
        post.source = "*two*"
        post.save()
        assert "<em>two</em>" in Post.objects.get().body_html

    def test_keeps_its_source_as_it_was_typed(self) -> None:
        source = "  Odd \r\n\r\n\ttext \n<!--more-->\n"
        assert PostFactory(source=source).source == source
        assert Post.objects.get().source == source

    def test_too_long_a_text_is_a_fault_of_its_field(self) -> None:
        post = PostFactory.build(source="x" * (MAX_SOURCE_LENGTH + 1))
        with pytest.raises(ValidationError) as error:
            post.clean()
        assert "source" in error.value.message_dict
        with pytest.raises(SourceTooLong):
            post.render()

    def test_summary_is_the_excerpt_or_the_first_words(self) -> None:
        assert PostFactory(source="*First* words.", excerpt="").summary == "First words."
        assert PostFactory(source="*First* words.", excerpt="Chosen.").summary == "Chosen."

    @pytest.mark.parametrize(("language", "direction"), [("ar", "rtl"), ("fr", "ltr"), ("", ""), ("tlh", "")])
    def test_direction_follows_the_language(self, language: str, direction: str) -> None:
        assert PostFactory.build(language=language).direction == direction


class TestOpenToComments:
    def test_closed_by_the_post_by_the_site_and_by_age(self) -> None:
        site = SiteSettings.current()
        post = PostFactory(published_at=timezone.now() - dt.timedelta(days=10))
        assert post.takes_comments(site)
        site.close_comments_after_days = 10
        assert not post.takes_comments(site)
        site.close_comments_after_days = 11
        assert post.takes_comments(site)
        site.comments_open = False
        assert not post.takes_comments(site)
        site.comments_open, post.comments_open = True, False
        assert not post.takes_comments(site)

    def test_a_post_that_is_not_public_takes_none(self) -> None:
        assert not PostFactory(status=Status.DRAFT).takes_comments(SiteSettings.current())


class TestNeighbours:
    def test_are_the_public_posts_before_and_after(self) -> None:
        moment = timezone.now() - dt.timedelta(days=9)
        first = PostFactory(published_at=moment)
        twin = PostFactory(published_at=moment)
        PostFactory(published_at=moment + dt.timedelta(hours=1), status=Status.PRIVATE)
        last = PostFactory(published_at=moment + dt.timedelta(days=1))
        assert (first.older_neighbour(), first.newer_neighbour()) == (None, twin)
        assert (twin.older_neighbour(), twin.newer_neighbour()) == (first, last)
        assert (last.older_neighbour(), last.newer_neighbour()) == (twin, None)


class TestTrees:
    def test_address_holds_the_parents(self) -> None:
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

    def test_nothing_may_stand_under_itself(self) -> None:
        top = CategoryFactory(name="top")
        low = CategoryFactory(name="low", parent=CategoryFactory(name="middle", parent=top))
        for parent in (top, low):
            top.parent = parent
            with pytest.raises(ValidationError) as error:
                top.clean()
            assert "parent" in error.value.message_dict

    def test_its_own_parent_is_refused_by_the_database(self) -> None:
        category = CategoryFactory()
        with pytest.raises(IntegrityError), transaction.atomic():
            Category.objects.filter(pk=category.pk).update(parent=category)

    def test_pages_of_different_parents_may_share_a_slug(self) -> None:
        one, two = PageFactory(title="one"), PageFactory(title="two")
        paths = [PageFactory(title="team", parent=parent).path for parent in (one, two, one)]
        assert paths == ["one/team", "two/team", "one/team-2"]

    @pytest.mark.parametrize("slug", ["tag", "category", "feed", "admin", "2019"])
    def test_top_page_cannot_take_an_address_of_the_site(self, slug: str) -> None:
        with pytest.raises(ValidationError) as error:
            PageFactory.build(slug=slug).clean()
        assert "slug" in error.value.message_dict

    def test_category_slug_is_unique_in_all_branches(self) -> None:
        parent = CategoryFactory(name="a")
        assert CategoryFactory(name="News").slug == "news"
        assert CategoryFactory(name="News", parent=parent).path == "a/news-2"


def test_guid_is_made_once_and_stays() -> None:
    post = PostFactory()
    before = post.guid
    post.title, post.slug = "Other", "other"
    post.save()
    assert Post.objects.get().guid == before
    assert before.startswith("urn:uuid:")
    assert Page(title="x").guid != before
