"""Tags: names that belong to one tag, slugs, and the query plan of tag pages."""

import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from blog.models import Post, Status
from tags.models import Tag, TagAlias, TaggedPost
from tags.names import tag_key
from tags.tagging import join_tags, split_tags
from tests.factories import PostFactory, TagFactory, UserFactory
from tests.factories.copies import insert_copies
from tests.factories.plans import plan_of


class TestNames:
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("cooperation", "Cooperation"),
            ("Свобода", "СВОБОДА"),
            ("coöperation", "COÖPERATION "),
            ("coöperation", "coo\u0308peration"),
            ("human rights", "human   Rights"),
            ("ﬁlm", "film"),
            ("Straße", "STRASSE"),
        ],
    )
    def test_case_spaces_and_composition_make_no_difference(self, first: str, second: str) -> None:
        assert tag_key(first) == tag_key(second)

    @pytest.mark.parametrize(("first", "second"), [("C", "C++"), ("мир", "мiр"), ("NGO", "NGOs")])
    def test_different_names_stay_different(self, first: str, second: str) -> None:
        assert tag_key(first) != tag_key(second)

    @given(st.text())
    def test_the_key_of_a_key_is_the_key_itself(self, name: str) -> None:
        assert tag_key(tag_key(name)) == tag_key(name)

    @pytest.mark.django_db
    def test_a_name_in_another_case_finds_the_existing_tag(self) -> None:
        """Fails if django-taggit drops the private method that tags.tagging overrides."""
        tag = TagFactory(name="Свобода")
        post = PostFactory()
        post.tags.add("СВОБОДА", "свобода ")
        post.tags.set(["свобода"])
        assert list(post.tags.all()) == [tag]
        assert Tag.objects.count() == 1

    @pytest.mark.django_db
    def test_the_name_stays_as_it_was_entered_first(self) -> None:
        PostFactory(tags=["euroMed Rights"])
        PostFactory(tags=["Euromed rights"])
        assert Tag.objects.get().name == "euroMed Rights"

    @pytest.mark.django_db
    def test_a_second_tag_with_the_same_name_is_an_error(self) -> None:
        TagFactory(name="NGOs")
        with pytest.raises(ValidationError, match="NGOs"):
            Tag(name="ngos").clean()

    @pytest.mark.django_db
    def test_a_comma_in_a_name_is_an_error(self) -> None:
        with pytest.raises(ValidationError, match="can't contain commas"):
            Tag(name="a, b").clean()


class TestSlugs:
    @pytest.mark.django_db
    @pytest.mark.parametrize(
        ("name", "slug"),
        [
            ("You Tube", "you-tube"),
            ("20th anniversary UN Declaration on HRDs", "20th-anniversary-un-declaration-on-hrds"),
            ("Abdul-Hadi Al-Khawaja", "abdul-hadi-al-khawaja"),
            ("coöperation", "cooperation"),
            ("Straße", "strasse"),
            ("ADHOC’s 5", "adhocs-5"),
            ("мир", "мир"),
            ("سلام", "سلام"),
            ("می‌خواهم", "می‌خواهم"),
            ("🎉", "tag"),
        ],
    )
    def test_are_made_as_in_wordpress(self, name: str, slug: str) -> None:
        assert TagFactory(name=name).slug == slug

    @pytest.mark.django_db
    def test_a_taken_slug_gets_the_next_number(self) -> None:
        assert [TagFactory(name=name).slug for name in ("C", "C+", "C++")] == ["c", "c-2", "c-3"]

    @pytest.mark.django_db
    def test_a_changed_slug_becomes_an_alias_until_the_tag_has_it_again(self) -> None:
        tag = TagFactory(name="HRD")
        tag.slug = "defenders"
        tag.save()
        assert [alias.slug for alias in tag.aliases.all()] == ["hrd"]
        tag.slug = "hrd"
        tag.save()
        assert [alias.slug for alias in TagAlias.objects.all()] == ["defenders"]

    @pytest.mark.django_db
    def test_that_no_database_can_hold_lead_nowhere(self, client: Client) -> None:
        for path in ("/tag/%2500/", "/tag/a%2500/feed/", "/?tag=%2500"):
            assert client.get(path).status_code == 404


class TestParsing:
    def test_only_commas_separate_names(self) -> None:
        assert split_tags('human rights, "NGOs",  You  Tube ,, NGO') == ["human rights", '"NGOs"', "You Tube", "NGO"]

    def test_arabic_commas_separate_names_too(self) -> None:
        assert split_tags("سلام، حرية") == ["سلام", "حرية"]

    @pytest.mark.django_db
    def test_joined_names_are_split_into_the_same_names(self) -> None:
        names = ["b c", "A", "é"]
        tags = [TagFactory(name=name) for name in names]
        assert split_tags(join_tags(tags)) == ["A", "b c", "é"]


@pytest.mark.django_db
class TestPublishedAt:
    """The row of a tagged post has a copy of its publication time, so that a tag's page needs no other table."""

    def row(self, post: Post) -> TaggedPost:
        return TaggedPost.objects.get(content_object=post)

    def test_is_the_publication_time_of_a_published_post(self) -> None:
        post = PostFactory(tags=["t"])
        assert self.row(post).published_at == post.published_at

    def test_is_empty_for_a_draft(self) -> None:
        assert self.row(PostFactory(status=Status.DRAFT, tags=["t"])).published_at is None

    def test_follows_when_the_post_is_published_rescheduled_and_trashed(self) -> None:
        post = PostFactory(status=Status.DRAFT, published_at=None, tags=["t"])
        post.status = Status.PUBLISHED
        post.save()
        assert self.row(post).published_at == post.published_at
        post.published_at = timezone.now() + dt.timedelta(days=3)
        post.save()
        assert self.row(post).published_at == post.published_at
        assert not TaggedPost.objects.public().exists()
        post.status = Status.TRASH
        post.save()
        assert self.row(post).published_at is None


@pytest.mark.django_db
class TestPlan:
    """The first and the last page of a tag are both read from its own index."""

    @pytest.fixture
    def big_tag(self) -> Tag:
        tag = TagFactory(name="human rights")
        other = TagFactory(name="other")
        author = UserFactory()
        start = timezone.make_aware(dt.datetime(2010, 1, 1))
        times = [start + dt.timedelta(hours=n) for n in range(4_000)]
        pks = insert_copies(
            Post(title="Post", author=author, status=Status.PUBLISHED),
            ({"slug": f"post-{n}", "published_at": t, "published_on": t.date()} for n, t in enumerate(times)),
        )
        rows = [{"content_object": pk, "published_at": time} for pk, time in zip(pks, times, strict=True)]
        insert_copies(TaggedPost(tag=tag), rows)
        insert_copies(TaggedPost(tag=other), rows[::50])
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return tag

    def test_uses_the_index(self, big_tag: Tag) -> None:
        ids = TaggedPost.objects.public().filter(tag=big_tag).newest_first().values("content_object")
        assert ids.count() == 4_000
        for page in (ids[:10], ids[3_990:4_000]):
            plan = plan_of(page)
            assert "tag_newest_first" in plan, plan
            # Nothing is sorted, because the index is already in order.
            assert "TEMP B-TREE" not in plan, plan
            assert "Sort" not in plan, plan
            assert page.count() == 10
