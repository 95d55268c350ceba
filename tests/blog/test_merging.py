"""Two users edit the same post: nothing is lost, and nothing is overwritten unseen."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import NON_FIELD_ERRORS
from django.db.models.signals import post_init
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

import tags.curation
from accounts.models import User
from blog import curation, publishing
from blog.editing import bulk_editing
from blog.editing.bulk_editing import Changes
from blog.models import Category, Page, Post, Revision
from blog.revisions.merging import Overlap, merge
from media.models import Picture
from media.pictures import store_picture
from tags.models import Tag
from tests.factories import CategoryFactory, PageFactory, PostFactory, TagFactory, UserFactory, at
from tests.factories.admin import admin_url, client_of, form_data
from tests.factories.files import picture_file
from tests.factories.responses import find, one, read, text
from tests.factories.types import GrowsWithLength

TEXT = st.text(alphabet="ab \n", max_size=30)


class TestTexts:
    @pytest.mark.parametrize(
        ("base", "mine", "theirs", "merged"),
        [
            ("One.\n\nTwo.", "One!\n\nTwo.", "One.\n\nTwo!", "One!\n\nTwo!"),
            ("One.\n\nTwo.", "Zero.\n\nOne.\n\nTwo.", "One.\n\nTwo.\n\nThree.", "Zero.\n\nOne.\n\nTwo.\n\nThree."),
            ("A small lamp burns here.", "A bright lamp burns here.", "A small lamp burns there.",
             "A bright lamp burns there."),
            ("One.\n\nTwo.\n\nThree.", "One.\n\nThree.", "One!\n\nTwo.\n\nThree.", "One!\n\nThree."),
            ("One.", "Same.", "Same.", "Same."),
            ("", "", "Theirs.", "Theirs."),
        ],
    )  # fmt: skip
    def test_changes_in_different_places_are_merged(self, base: str, mine: str, theirs: str, merged: str) -> None:
        result = merge(base, mine, theirs)
        assert (result.text, result.overlaps) == (merged, [])

    def test_where_both_changed_the_same_words_mine_wins_and_theirs_is_reported(self) -> None:
        result = merge("A small lamp.\n\nEnd.", "A bright lamp.\n\nEnd!", "A dim lamp.\n\nEnd.")
        assert result.text == "A bright lamp.\n\nEnd!"
        assert [(overlap.mine, overlap.theirs) for overlap in result.overlaps] == [("bright", "dim")]

    @pytest.mark.parametrize(
        ("base", "mine", "theirs"),
        [("1,250", "1,300", "2,250"), ("2024-05-03", "2024-06-03", "2025-05-03"), ("١٬٢٥٠", "١٬٣٠٠", "٢٬٢٥٠")],
    )
    def test_two_changes_of_a_number_never_make_a_third_number(self, base: str, mine: str, theirs: str) -> None:
        result = merge(f"It was {base}.", f"It was {mine}.", f"It was {theirs}.")
        assert result.text == f"It was {mine}."
        assert len(result.overlaps) == 1

    @given(TEXT, TEXT)
    def test_without_changes_on_one_side_the_result_is_the_other(self, base: str, other: str) -> None:
        assert merge(base, other, base).text == merge(base, base, other).text == merge(base, other, other).text == other

    @given(TEXT, TEXT, TEXT)
    def test_without_overlaps_nothing_is_lost_from_either(self, base: str, mine: str, theirs: str) -> None:
        result, mirrored = merge(base, mine, theirs), merge(base, theirs, mine)
        assert len(result.overlaps) == len(mirrored.overlaps)
        if not result.overlaps:
            assert result.text == mirrored.text

    def test_a_rewritten_paragraph_is_not_mixed_with_words_of_the_other_version(self) -> None:
        base, theirs = "First.\n\nSecond ![A lamp](lamp.png)", "First.\n\nWritten anew."
        result = merge(base, f"{base}\n", theirs)
        assert result.text == f"{base}\n"
        assert result.overlaps == [Overlap("First.\n\n", "Second ![A lamp](lamp.png)\n", "Written anew.")]
        assert merge(base, theirs, f"{base}\n").text == theirs

    def test_an_overlap_is_shown_with_the_words_before_it(self) -> None:
        result = merge("a\n" * 50 + "small", "a\n" * 50 + "bright", "a\n" * 50 + "dim")
        assert [overlap.before for overlap in result.overlaps] == ["a\n" * 40]

    def test_time_grows_with_the_length_of_the_text(self, grows_with_length: GrowsWithLength) -> None:
        assert grows_with_length(lambda text: merge(text, f"x\n{text}", f"{text}x"), f"{'🎉' * 10}\n" * 25_000)


@pytest.fixture
def ruth(db: None) -> User:
    user: User = UserFactory(role="Editor", display_name="Ruth")
    return user


@pytest.fixture
def client(db: None) -> Client:
    return client_of(UserFactory(role="Editor"))


class Collision:
    """Ruth saves `theirs` after `client` opened the form, and then `client` sends `mine`."""

    def __init__(self, client: Client, ruth: User, entry: Any, theirs: dict[str, Any], mine: dict[str, Any]) -> None:
        self.client, self.url, self.model = client, admin_url(entry, "change"), type(entry)
        opened = form_data(entry)
        assert client_of(ruth).post(self.url, opened | theirs).status_code == 302
        response = client.post(self.url, opened | mine)
        assert response.status_code == 200
        self.form = response.context["adminform"].form
        self.response, self.page = response, response.content.decode()

    def value(self, name: str) -> Any:
        return self.form[name].value()

    def save(self) -> Any:
        """Submit the form as it is shown, and return what is stored then."""
        assert self.client.post(self.url, dict(self.form.data.lists())).status_code == 302
        return self.model.objects.get()


class TestForms:
    def test_changes_that_do_not_overlap_are_merged_and_saved_when_they_have_been_seen(
        self, client: Client, ruth: User
    ) -> None:
        mine, theirs = CategoryFactory(), CategoryFactory()
        post = PostFactory(title="A lamp", source="One.\n\nTwo.", tags=["old", "gone"], published_at=at(2020, 1, 1))
        collision = Collision(
            client,
            ruth,
            post,
            theirs={
                "source": "One.\n\nTwo, says Ruth.",
                "tags": "old, gone, hers",
                "categories": [theirs.pk],
                "excerpt": "By Ruth",
                "published_at": "2020-02-02T12:00",
                "comments_open": "",
                "password": "secret",
            },
            mine={"title": "A light", "source": "One, say I.\n\nTwo.", "tags": "old, mine", "categories": [mine.pk]},
        )
        assert "Ruth saved this while you were editing" in collision.page
        assert "secret<" not in collision.page
        assert collision.form.merge.clashes == []
        assert Post.objects.get().title == "A lamp"
        stored = collision.save()
        assert (stored.title, stored.excerpt, stored.password) == ("A light", "By Ruth", "secret")
        assert stored.source == "One, say I.\n\nTwo, says Ruth."
        assert {tag.name for tag in stored.tags.all()} == {"old", "mine", "hers"}
        assert set(stored.categories.all()) == {mine, theirs}
        assert stored.published_on == dt.date(2020, 2, 2)
        assert not stored.comments_open

    def test_where_they_overlap_both_versions_are_shown_and_the_other_one_stays_in_the_revisions(
        self, client: Client, ruth: User
    ) -> None:
        post = PostFactory(source="A small lamp.", language="en", published_at=at(2020, 1, 1))
        collision = Collision(
            client,
            ruth,
            post,
            theirs={"source": "A dim lamp.", "language": "fr", "published_at": "2020-02-02T12:00"},
            mine={"source": "A bright lamp.", "language": "de", "published_at": "2020-02-03T12:00"},
        )
        clashes = {clash.label: (clash.mine, clash.theirs) for clash in collision.form.merge.clashes}
        times = ("Mon 3 February 2020, 12:00", "Sun 2 February 2020, 12:00")
        assert clashes == {"Text": ("bright", "dim"), "Language": ("German", "French"), "Publish at": times}
        assert "dim<span" in collision.page
        stored = collision.save()
        assert (stored.source, stored.language) == ("A bright lamp.", "de")
        assert "A dim lamp." in Revision.objects.values_list("source", flat=True)

    @pytest.mark.parametrize(
        ("opened", "offset"), [(dt.datetime(2037, 10, 25, 0, 30, tzinfo=dt.UTC), "+0200"), (at(2037, 10, 26), None)]
    )
    def test_which_of_two_equal_times_they_chose_is_part_of_their_time(
        self, client: Client, ruth: User, settings: Settings, opened: dt.datetime, offset: str | None
    ) -> None:
        settings.TIME_ZONE = "Europe/Amsterdam"
        post = PostFactory(title="A lamp", published_at=opened)
        mine = {"title": "A light"} | ({"published_at_offset": offset} if offset else {})
        theirs = {"published_at": "2037-10-25T02:30", "published_at_offset": "+0100"}
        stored = Collision(client, ruth, post, theirs, mine).save()
        assert (stored.title, stored.published_at) == ("A light", dt.datetime(2037, 10, 25, 1, 30, tzinfo=dt.UTC))

    def test_people_who_have_a_form_open_twice_are_told_that_they_saved_it_themselves(self, ruth: User) -> None:
        post = PostFactory(source="A small lamp.")
        collision = Collision(
            client_of(ruth), ruth, post, theirs={"source": "A dim lamp."}, mine={"source": "A bright lamp."}
        )
        shown = one(read(collision.response), ".conflict")
        assert text(one(shown, "h2")) == "You saved this in another tab or browser"
        assert [text(each) for each in find(shown, "h4")] == ["The other version", "This version"]
        assert "You both" not in text(shown)
        assert "Ruth" not in text(shown)
        assert collision.save().source == "A bright lamp."

    def test_an_imported_text_that_was_never_edited_can_be_merged(self, client: Client, ruth: User) -> None:
        post = PostFactory(source="One.\r\n\r\nTwo.", markup="html")
        collision = Collision(
            client, ruth, post, theirs={"source": "One!\r\n\r\nTwo."}, mine={"source": "One.\r\n\r\nTwo!"}
        )
        assert collision.save().source == "One!\n\nTwo!"

    def test_if_it_is_unknown_what_the_form_showed_all_differences_are_shown(self, client: Client, ruth: User) -> None:
        post = PostFactory(source="One.")
        collision = Collision(client, ruth, post, theirs={"source": "Two."}, mine={"source": "Three.", "version": "x"})
        assert [(clash.mine, clash.theirs) for clash in collision.form.merge.clashes] == [("Three.", "Two.")]

    def test_differing_tags_and_categories_are_named(self, client: Client, ruth: User) -> None:
        mine, theirs = CategoryFactory(name="Mine"), CategoryFactory(name="Hers")
        post = PostFactory(tags=["old"])
        unknown = {"version": "2001-01-01T00:00:00+00:00"}
        changed = unknown | {"tags": "old, mine", "categories": [mine.pk]}
        collision = Collision(client, ruth, post, theirs={"tags": "", "categories": [theirs.pk]}, mine=changed)
        clashes = {clash.label: (clash.mine, clash.theirs) for clash in collision.form.merge.clashes}
        assert clashes == {"Tags": ("mine, old", ""), "Categories": ("Mine", "Hers")}

    def test_of_thousands_of_pictures_only_the_two_that_were_chosen_are_looked_up(
        self, client: Client, ruth: User
    ) -> None:
        first, mine, theirs, _other = (store_picture(picture_file(), title=title) for title in ("1", "2", "3", "4"))
        post = PostFactory(featured_picture=first)
        loaded: list[int] = []
        post_init.connect(receiver := lambda instance, **kwargs: loaded.append(instance.pk), sender=Picture)
        collision = Collision(
            client, ruth, post, theirs={"featured_picture": theirs.pk}, mine={"featured_picture": mine.pk}
        )
        post_init.disconnect(receiver, sender=Picture)
        clashes = {clash.label: (clash.mine, clash.theirs) for clash in collision.form.merge.clashes}
        assert clashes == {"Featured image": ("2", "3")}
        assert set(loaded) <= {first.pk, mine.pk, theirs.pk}

    def test_pages_are_merged_as_well(self, client: Client, ruth: User) -> None:
        parent = PageFactory()
        page = PageFactory(source="One.\n\nTwo.")
        url = admin_url(page, "change")
        opened = form_data(page)
        client_of(ruth).post(url, opened | {"source": "One!\n\nTwo.", "parent": parent.pk})
        form = client.post(url, opened | {"source": "One.\n\nTwo!", "menu_order": 3}).context["adminform"].form
        assert client.post(url, dict(form.data.lists())).status_code == 302
        stored = Page.objects.get(pk=page.pk)
        assert (stored.source, stored.parent_id, stored.menu_order) == ("One!\n\nTwo!", parent.pk, 3)


class TestChangesOfManyEntries:
    """They don't change the time of the last change, but a form that was opened before must not undo them."""

    @pytest.fixture(params=["imported", "edited"])
    def post(self, client: Client, request: pytest.FixtureRequest) -> Post:
        post: Post = PostFactory(tags=["march", "rally"], categories=[CategoryFactory(name="News")], language="en")
        if request.param == "edited":
            data = form_data(post, source="One.", tags="march, rally, flags")
            assert client.post(admin_url(post, "change"), data).status_code == 302
        return Post.objects.get()

    def set_language(self, ruth: User) -> None:
        publishing.set_language(Post.objects.all(), ruth, "fr")

    def move_posts(self, ruth: User) -> None:
        curation.merge([Category.objects.get().pk], CategoryFactory(name="Awards").pk, ruth, keep=True)

    def merge_categories(self, ruth: User) -> None:
        curation.merge([Category.objects.get().pk], CategoryFactory(name="Awards").pk, ruth)

    def merge_tags(self, ruth: User) -> None:
        tags.curation.merge([Tag.objects.get(name="march").pk], TagFactory(name="marches").pk, ruth)

    def rename_tag(self, ruth: User) -> None:
        tags.curation.rename(Tag.objects.get(name="march").pk, "The march", "march", ruth)

    def delete_tag(self, ruth: User) -> None:
        tags.curation.delete([Tag.objects.get(name="march").pk], ruth, expected_uses=1)

    @pytest.mark.parametrize(
        "change", ["set_language", "move_posts", "merge_categories", "merge_tags", "rename_tag", "delete_tag"]
    )
    def test_are_included(self, client: Client, ruth: User, post: Post, change: str) -> None:
        opened = form_data(post)
        getattr(self, change)(ruth)
        changed = self.filed()
        response = client.post(admin_url(post, "change"), opened | {"title": "Mine"})
        page = response.content.decode()
        assert "Someone else saved this while you were editing" in page
        assert page.count("Nothing was saved") == 1
        form = response.context["adminform"].form
        assert form.merge.clashes == []
        assert form.errors.keys() == {NON_FIELD_ERRORS}
        assert client.post(admin_url(post, "change"), dict(form.data.lists())).status_code == 302
        assert Post.objects.get().title == "Mine"
        assert self.filed() == changed

    def filed(self) -> tuple[str, set[str], set[str], int]:
        """Return the language, the categories and the tags of the post, and how many tags there are."""
        post = Post.objects.get()
        categories = {category.name for category in post.categories.all()}
        return post.language, categories, {tag.name for tag in post.tags.all()}, Tag.objects.count()

    @pytest.mark.parametrize(
        "version",
        [
            "0001-01-01T00:00:00+23:59?language=en",
            "2001-01-01T00:00:00",
            "{time}",
            "{time}?",
            "{time}?language=xx&category=x&category=²&category=99999999999999999999&tag=%00&tag=%ff&&=",
            "{time}?language=en&language=fr#?%",
        ],
    )
    def test_an_unknown_version_counts_as_a_different_one(self, client: Client, post: Post, version: str) -> None:
        sent = form_data(post, title="Mine", version=version.format(time=post.modified_at.isoformat()))
        response = client.post(admin_url(post, "change"), sent)
        assert "saved this" in text(one(read(response), ".conflict h2"))
        again = dict(response.context["adminform"].form.data.lists())
        assert client.post(admin_url(post, "change"), again).status_code == 302
        assert Post.objects.get().title == "Mine"

    def test_an_incomplete_form_is_compared_as_well(self, client: Client, post: Post) -> None:
        response = client.post(admin_url(post, "change"), {"title": "Mine", "version": "x"})
        assert "saved this" in text(one(read(response), ".conflict h2"))
        assert Post.objects.get().title == post.title

    @pytest.mark.parametrize(
        "elsewhere", ["saved unchanged", "moved to the trash and back", "edited in bulk and back", "translated"]
    )
    def test_that_leave_the_content_as_it_was_are_no_conflict(
        self, client: Client, ruth: User, post: Post, elsewhere: str
    ) -> None:
        opened, posts = form_data(post), Post.objects.filter(pk=post.pk)
        if elsewhere == "saved unchanged":
            assert client_of(ruth).post(admin_url(post, "change"), opened).status_code == 302
            assert Post.objects.get().modified_at == post.modified_at
        elif elsewhere == "moved to the trash and back":
            publishing.trash(posts, ruth)
            publishing.restore(posts, ruth)
            publishing.publish(posts, ruth)
        elif elsewhere == "translated":
            PostFactory(translation_group=uuid4(), language="fr")
            posts.update(translation_group=Post.objects.get(language="fr").translation_group)
        else:
            for is_open in (False, True):
                bulk_editing.edit(posts, ruth, Changes(fields={"comments_open": is_open}))
        assert client.post(admin_url(post, "change"), opened | {"title": "Mine"}).status_code == 302
        assert posts.get().title == "Mine"

    def test_in_other_entries_make_no_difference(self, client: Client, ruth: User, post: Post) -> None:
        opened = form_data(post)
        publishing.set_language(Post.objects.filter(pk=PostFactory(tags=["march"]).pk), ruth, "fr")
        assert client.post(admin_url(post, "change"), opened | {"title": "Mine"}).status_code == 302
