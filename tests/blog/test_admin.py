"""Writing in the admin: what forms take, keep and refuse, and what lists show."""

import datetime as dt
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models import Model
from django.test import Client
from django.utils import timezone
from django.utils.html import escape
from pytest_django import Settings

from accounts.models import User
from blog.models import Category, Page, Post, SiteSettings, Status
from tests.blog.desk import admin_page, at_desk, form
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> User:
    user: User = UserFactory(role="Editor", display_name="The Editor")
    return user


@pytest.fixture
def desk(editor: User) -> Client:
    return at_desk(editor)


def write(desk: Client, **typed: Any) -> Any:
    return desk.post(admin_page(Post, "add"), form(**typed))


def save(desk: Client, entry: Post | Page, **typed: Any) -> Any:
    return desk.post(admin_page(entry, "change"), form(entry, **typed))


def listed(desk: Client, path: str) -> list[str]:
    return [str(entry) for entry in desk.get(path).context["cl"].result_list]


class TestWriting:
    def test_post_goes_from_the_form_to_its_readers(self, desk: Client, editor: User) -> None:
        awards = CategoryFactory(name="awards")
        write(
            desk,
            title="A lamp",
            source="The *first* words.",
            status="published",
            tags="human rights, NGOs",
            categories=[awards.pk],
            language="fr",
            author=editor.pk,
        )
        post = Post.objects.get()
        assert post.is_public
        assert (post.slug, post.author, post.language, post.markup) == ("a-lamp", editor, "fr", "markdown")
        assert [category.name for category in post.categories.all()] == ["awards"]
        assert "<em>first</em>" in Client().get(post.get_absolute_url()).content.decode()

    def test_what_was_typed_stays_when_something_is_wrong(self, desk: Client) -> None:
        typed = {
            "title": "Kept <title>",
            "source": "Kept *source*\n\n<b>",
            "excerpt": "Kept excerpt",
            "tags": "kept tag, other",
            "slug": "not/possible",
        }
        response = write(desk, **typed)
        assert response.status_code == 200
        page = response.content.decode()
        for words in typed.values():
            assert escape(words) in page
        assert "Leave out blanks and the signs" in page
        assert not Post.objects.exists()

    def test_text_that_is_too_long_is_named(self, desk: Client) -> None:
        response = write(desk, title="Long", source="x" * 500_001)
        assert "This text is too long" in response.context["adminform"].form.errors["source"][0]

    def test_editor_chooses_among_those_who_write(self, desk: Client) -> None:
        colleague = UserFactory(role="Author")
        former = PostFactory().author
        reader = UserFactory()
        form_fields = desk.get(admin_page(Post, "add")).context["adminform"].form.fields
        offered = {getattr(key, "value", key) for key, _name in form_fields["author"].choices}
        assert {colleague.pk, former.pk} <= offered
        assert reader.pk not in offered

    def test_language_that_is_not_in_the_list_is_kept(self, desk: Client, editor: User) -> None:
        post = PostFactory(language="tzm", author=editor)
        assert save(desk, post, title="Changed").status_code == 302
        assert Post.objects.get().language == "tzm"

    def test_two_of_one_day_and_name_get_addresses_of_their_own(self, desk: Client, editor: User) -> None:
        for _ in range(2):
            write(desk, title="Same", status="published", author=editor.pk)
        assert set(Post.objects.values_list("slug", flat=True)) == {"same", "same-2"}


class TestTheSource:
    @pytest.mark.parametrize("source", ["one\r\ntwo\r\n", "\n\n  indented\n", "one\ntwo", "trailing   \n\n"])
    def test_is_kept_byte_for_byte_until_it_is_changed(self, desk: Client, editor: User, source: str) -> None:
        post = PostFactory(source=source, markup="html", author=editor)
        sent = source.replace("\r\n", "\n").replace("\n", "\r\n")
        save(desk, post, title="Changed", source=sent)
        assert Post.objects.get().title == "Changed"
        assert Post.objects.get().source == source

    def test_new_lines_are_plain(self, desk: Client, editor: User) -> None:
        write(desk, title="New", source="one\r\n\r\ntwo", author=editor.pk)
        assert Post.objects.get().source == "one\n\ntwo"

    def test_editor_of_an_import_previews_and_uploads_in_its_own_markup(self, desk: Client) -> None:
        post = PostFactory(markup="html")
        page = desk.get(admin_page(post, "change")).content.decode()
        assert 'data-markdownx-urls-path="/admin/markdownx/preview/?markup=html"' in page
        assert 'data-markdownx-upload-urls-path="/admin/markdownx/upload/?markup=html"' in page

    def test_markup_cannot_be_changed_here(self, desk: Client, editor: User) -> None:
        post = PostFactory(markup="html", author=editor)
        save(desk, post, title="Changed", markup="markdown")
        assert Post.objects.get().markup == "html"


class TestTags:
    def names(self) -> set[str]:
        return {tag.name for tag in Post.objects.get().tags.all()}

    def test_commas_and_lines_part_names_and_nothing_else(self, desk: Client, editor: User) -> None:
        write(desk, title="New", tags='human rights,  "quoted" , NGOs\r\nYou Tube, NGOs,,', author=editor.pk)
        assert self.names() == {"human rights", '"quoted"', "NGOs", "You Tube"}

    def test_names_are_shown_as_they_were_typed(self, desk: Client, editor: User) -> None:
        post = PostFactory(tags=["euroMed Rights", "coöperation", "Свобода"], author=editor)
        assert escape("coöperation, euroMed Rights, Свобода") in desk.get(admin_page(post, "change")).content.decode()
        save(desk, post, title="Changed")
        assert self.names() == {"euroMed Rights", "coöperation", "Свобода"}

    def test_another_way_to_write_a_name_is_the_same_tag(self, desk: Client, editor: User) -> None:
        PostFactory(tags=["coöperation"])
        write(desk, title="New", tags="COÖPERATION", author=editor.pk)
        assert [tag.name for tag in Post.objects.get(title="New").tags.all()] == ["coöperation"]

    def test_tag_can_be_taken_away(self, desk: Client, editor: User) -> None:
        post = PostFactory(tags=["stays", "goes"], author=editor)
        save(desk, post, tags="stays")
        assert self.names() == {"stays"}

    def test_name_that_is_too_long_is_named(self, desk: Client) -> None:
        response = write(desk, title="New", tags="fine, " + "x" * 201)
        assert "is too long for a tag" in response.context["adminform"].form.errors["tags"][0]
        assert not Post.objects.exists()

    def test_name_whose_letters_unfold_is_taken(self, desk: Client, editor: User) -> None:
        write(desk, title="New", tags="ﷺ" * 200, author=editor.pk)
        assert self.names() == {"ﷺ" * 200}

    def test_history_names_tags_only_when_they_changed(self, desk: Client, editor: User) -> None:
        post = PostFactory(tags=["b", "A", "c"], author=editor)
        save(desk, post, title="Changed", tags="c, b, A")
        assert "Tags" not in LogEntry.objects.latest("pk").get_change_message()
        save(desk, Post.objects.get(), tags="c")
        assert "Tags" in LogEntry.objects.latest("pk").get_change_message()


class TestPublishing:
    @pytest.fixture(autouse=True)
    def _in_paris(self, settings: Settings) -> None:
        settings.TIME_ZONE = "Europe/Paris"

    def test_time_zone_is_said(self, desk: Client) -> None:
        page = desk.get(admin_page(Post, "add")).content.decode()
        assert "Times are those of Europe/Paris, where it is" in page

    def test_times_are_those_of_the_site(self, desk: Client, editor: User) -> None:
        write(
            desk,
            title="Later",
            status="published",
            published_at_0="2031-07-01",
            published_at_1="14:00",
            author=editor.pk,
        )
        post = Post.objects.get()
        assert post.published_at == dt.datetime(2031, 7, 1, 12, tzinfo=dt.UTC)
        assert post.is_scheduled
        assert "Scheduled for July 1, 2031, 2 p.m." in desk.get("/admin/blog/post/").content.decode()

    def test_moment_that_nobody_touched_stays_to_the_microsecond(self, desk: Client, editor: User) -> None:
        moment = dt.datetime(2020, 1, 1, 12, 30, 15, 123456, tzinfo=dt.UTC)
        post = PostFactory(published_at=moment, author=editor)
        save(desk, post, title="Changed")
        assert (Post.objects.get().title, Post.objects.get().published_at) == ("Changed", moment)
        save(desk, Post.objects.get(), published_at_1="13:30:16")
        assert Post.objects.get().published_at == moment.replace(second=16, microsecond=0)

    def test_without_a_moment_it_is_now(self, desk: Client, editor: User) -> None:
        write(desk, title="Now", status="published", author=editor.pk)
        moment = Post.objects.get().published_at
        assert moment
        assert abs(timezone.now() - moment) < dt.timedelta(minutes=1)


class TestTwoPeopleAtOnce:
    def test_second_is_told_and_loses_nothing(self, desk: Client, editor: User) -> None:
        post = PostFactory(title="Before", author=editor, tags=["tag"])
        second = form(post, title="By the second", source="Long work", tags="tag, new")
        save(at_desk(UserFactory(role="Editor")), post, title="By the first")

        response = desk.post(admin_page(post, "change"), second)
        assert Post.objects.get().title == "By the first"
        page = response.content.decode()
        assert "This was saved from elsewhere" in page
        assert f'<a href="{admin_page(post, "change")}" target="_blank">' in page
        for words in ("By the second", "Long work", "tag, new"):
            assert words in page

        again = second | {"version": response.context["adminform"].form["version"].value()}
        desk.post(admin_page(post, "change"), again)
        assert Post.objects.get().title == "By the second"
        assert Post.objects.get().source == "Long work"

    def test_third_version_is_told_again(self, desk: Client, editor: User) -> None:
        post = PostFactory(title="Before", author=editor)
        mine = form(post, title="Mine")
        save(desk, post, title="First")
        told = desk.post(admin_page(post, "change"), mine).context["adminform"].form["version"].value()
        save(desk, Post.objects.get(), title="Second")
        desk.post(admin_page(post, "change"), mine | {"version": told})
        assert Post.objects.get().title == "Second"

    def test_form_without_its_version_is_refused_too(self, desk: Client, editor: User) -> None:
        post = PostFactory(title="Before", author=editor)
        save(desk, post, title="Changed", version="")
        assert Post.objects.get().title == "Before"

    def test_same_form_sent_twice_is_no_conflict(self, desk: Client, editor: User) -> None:
        post = PostFactory(title="Before", author=editor, tags=["b", "A"])
        sent = form(post, title="After", tags="A, b, c")
        assert [desk.post(admin_page(post, "change"), sent).status_code for _ in range(2)] == [302, 302]

    def test_new_comment_is_no_conflict_and_its_count_stays(self, desk: Client, editor: User) -> None:
        post = PostFactory(title="Before", author=editor)
        sent = form(post, title="After")
        Post.objects.update(comment_count=3)
        assert desk.post(admin_page(post, "change"), sent).status_code == 302
        assert Post.objects.get().comment_count == 3

    def test_page_as_well(self, desk: Client, editor: User) -> None:
        page = PageFactory(title="Before", author=editor)
        mine = form(page, title="Mine")
        save(desk, page, title="First")
        desk.post(admin_page(page, "change"), mine)
        assert Page.objects.get().title == "First"


class TestListOfPosts:
    def test_filters_by_state_and_leaves_out_the_trash(self, desk: Client) -> None:
        for status in Status:
            PostFactory(title=status.value, status=status)
        PostFactory(title="later", published_at=timezone.now() + dt.timedelta(days=9))
        path = "/admin/blog/post/"
        assert set(listed(desk, path)) == {"draft", "pending", "published", "private", "later"}
        for state in ("draft", "pending", "published", "private", "trash"):
            assert listed(desk, f"{path}?state={state}") == [state]
        assert listed(desk, f"{path}?state=scheduled") == ["later"]

    def test_category_holds_what_stands_below_it(self, desk: Client) -> None:
        parent = CategoryFactory(name="awards")
        child = CategoryFactory(name="MEA", parent=parent)
        PostFactory(title="in parent", categories=[parent])
        PostFactory(title="in child", categories=[child])
        PostFactory(title="in both", categories=[parent, child])
        PostFactory(title="elsewhere")
        path = "/admin/blog/post/?category="
        assert sorted(listed(desk, f"{path}{parent.pk}")) == ["in both", "in child", "in parent"]
        assert sorted(listed(desk, f"{path}{child.pk}")) == ["in both", "in child"]
        assert listed(desk, f"{path}x") == listed(desk, f"{path}99999") == []

    def test_language_and_author(self, desk: Client) -> None:
        arabic, other = PostFactory(title="Arabic", language="ar"), PostFactory(title="Other")
        assert listed(desk, "/admin/blog/post/?language=ar") == ["Arabic"]
        assert listed(desk, f"/admin/blog/post/?author__id__exact={other.author.pk}") == ["Other"]
        filters = desk.get("/admin/blog/post/").context["cl"].filter_specs
        language = next(spec for spec in filters if spec.title == "language")
        assert language.lookup_choices == [("ar", "Arabic")]
        assert arabic.author != other.author

    @pytest.mark.parametrize("words", ["lamp", "the-lamp-slug", "human ri", "LAMP"])
    def test_search_looks_in_titles_addresses_and_tags(self, desk: Client, words: str) -> None:
        PostFactory(title="A lamp", slug="the-lamp-slug", tags=["human rights", "human rites", "lamp"])
        PostFactory(title="Else", tags=["human kind"])
        assert listed(desk, f"/admin/blog/post/?q={words}") == ["A lamp"]

    def test_number_of_queries_does_not_grow_with_the_list(self, desk: Client, django_assert_num_queries: Any) -> None:
        def add() -> None:
            PostFactory(tags=["a", "b"], categories=[CategoryFactory()], language="ar")

        add()
        add()
        desk.get("/admin/blog/post/")
        for _ in range(2):
            with django_assert_num_queries(13):
                desk.get("/admin/blog/post/")
            for _ in range(5):
                add()

    def test_texts_are_not_read_for_a_list(self, desk: Client) -> None:
        PostFactory()
        post = desk.get("/admin/blog/post/").context["cl"].result_list[0]
        assert {"source", "body_html", "lead_html"} <= post.get_deferred_fields()

    def test_links_lead_to_the_post_or_its_preview(self, desk: Client) -> None:
        public, draft = PostFactory(title="Public"), PostFactory(title="Draft", status=Status.DRAFT)
        page = desk.get("/admin/blog/post/").content.decode()
        assert f'<a href="{public.get_absolute_url()}" aria-label="View: Public">' in page
        assert f'<a href="{escape(draft.get_preview_url())}" aria-label="Preview: Draft">' in page
        form_page = desk.get(admin_page(draft, "change")).content.decode()
        assert escape(draft.get_preview_url()) in form_page
        assert "Preview what is saved" in form_page


class TestBulkActions:
    def run(self, desk: Client, action: str, *posts: Model, state: str = "") -> str:
        response = desk.post(
            f"/admin/blog/post/?state={state}" if state else "/admin/blog/post/",
            {"action": action, "_selected_action": [post.pk for post in posts]},
            follow=True,
        )
        return " ".join(str(message) for message in response.context["messages"])

    def test_says_how_many(self, desk: Client) -> None:
        drafts = [PostFactory(status=Status.DRAFT) for _ in range(3)]
        assert self.run(desk, "publish", *drafts) == "3 are published, or scheduled."
        assert self.run(desk, "withdraw", drafts[0]) == "1 is a draft now."
        assert self.run(desk, "trash", *drafts[:2]) == "2 are in the trash now."
        assert self.run(desk, "restore", *drafts[:2], state="trash") == "2 are drafts again."

    def test_says_how_many_were_refused(self) -> None:
        author = UserFactory(role="Author")
        draft = PostFactory(author=author, status=Status.DRAFT)
        public = PostFactory(author=author)
        said = self.run(at_desk(author), "trash", draft, public)
        assert said == "1 was left as it is: it is in the trash, or not yours to change. 1 is in the trash now."

    def test_each_post_keeps_it_in_its_history(self, desk: Client) -> None:
        posts = [PostFactory(status=Status.DRAFT) for _ in range(2)]
        self.run(desk, "publish", *posts)
        notes = LogEntry.objects.filter(change_message="Published.")
        assert {note.object_id for note in notes} == {str(post.pk) for post in posts}

    def test_works_on_all_that_a_search_found(self, desk: Client) -> None:
        for number in range(3):
            PostFactory(title=f"lamp {number}", status=Status.DRAFT, tags=["lamp"])
        desk.post(
            "/admin/blog/post/?q=lamp",
            {"action": "publish", "select_across": "1", "_selected_action": [Post.objects.first().pk]},  # type: ignore[union-attr]  # there is one
        )
        assert Post.objects.published().count() == 3

    def test_deleting_says_what_goes_with_it_and_tells_the_cache(
        self, desk: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        post = PostFactory()
        CommentFactory(post=post)
        sent = {"action": "delete_selected", "_selected_action": post.pk}
        assert "Comments: 1" in desk.post("/admin/blog/post/", sent).content.decode()
        before = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):
            desk.post("/admin/blog/post/", sent | {"post": "yes"})
        assert not Post.objects.exists()
        assert SiteSettings.current().content_version > before


class TestTrees:
    def test_children_stand_below_their_parents(self, desk: Client) -> None:
        about = PageFactory(title="About")
        PageFactory(title="About us")
        PageFactory(title="Team", parent=about)
        awards = CategoryFactory(name="awards")
        CategoryFactory(name="awards of old")
        CategoryFactory(name="MEA", parent=awards)
        assert listed(desk, "/admin/blog/page/") == ["About", "Team", "About us"]
        assert listed(desk, "/admin/blog/category/") == ["awards", "MEA", "awards of old"]
        parents = desk.get(admin_page(Page, "add")).context["adminform"].form.fields["parent"].choices
        assert [label for _key, label in parents] == ["- Select an option -", "About", "— Team", "About us"]
        boxes = desk.get(admin_page(Post, "add")).context["adminform"].form.fields["categories"].choices
        assert [str(label) for _key, label in boxes] == [
            '<span class="tree-0">awards</span>',
            '<span class="tree-1">MEA</span>',
            '<span class="tree-0">awards of old</span>',
        ]

    @pytest.mark.parametrize("title", ["Tag", "2024", "Feed"])
    def test_page_cannot_take_an_address_of_the_site(self, desk: Client, editor: User, title: str) -> None:
        sent = form(title=title, author=editor.pk, menu_order=0)
        response = desk.post(admin_page(Page, "add"), sent)
        assert "Choose another" in response.content.decode()
        desk.post(admin_page(Page, "add"), sent | {"slug": "on-it"})
        assert Page.objects.get().path == "on-it"

    def test_nothing_can_be_put_under_itself(self, desk: Client, editor: User) -> None:
        about = PageFactory(title="About", author=editor)
        team = PageFactory(title="Team", parent=about)
        other = PageFactory(title="Other")
        choices = desk.get(admin_page(about, "change")).context["adminform"].form.fields["parent"].choices
        assert [getattr(key, "value", key) for key, _label in choices] == ["", other.pk]
        save(desk, about, parent=team.pk)
        assert Page.objects.get(pk=about.pk).parent is None

    def test_page_moves_with_its_children(self, desk: Client, editor: User) -> None:
        about, team = PageFactory(title="About", author=editor), PageFactory(title="Team", author=editor)
        member = PageFactory(title="Member", parent=team)
        save(desk, team, parent=about.pk)
        assert Page.objects.get(pk=member.pk).path == "about/team/member"

    def test_categories_show_how_many_posts_they_have(self, desk: Client) -> None:
        category = CategoryFactory()
        for _ in range(2):
            PostFactory(categories=[category, CategoryFactory()])
        counts = {row.pk: row.number_of_posts for row in desk.get("/admin/blog/category/").context["cl"].result_list}
        assert counts[category.pk] == 2

    def test_category_is_written(self, desk: Client) -> None:
        desk.post("/admin/blog/category/add/", {"name": "Human Rights", "slug": "", "parent": "", "description": ""})
        assert Category.objects.get().path == "human-rights"

    @pytest.mark.parametrize("kind", ["page", "category"])
    def test_number_of_queries_does_not_grow(self, desk: Client, kind: str, django_assert_num_queries: Any) -> None:
        make = {"page": PageFactory, "category": CategoryFactory}[kind]
        top = make()
        make(parent=top)
        desk.get(f"/admin/blog/{kind}/")
        for _ in range(2):
            with django_assert_num_queries({"page": 9, "category": 8}[kind]):
                desk.get(f"/admin/blog/{kind}/")
            for _ in range(3):
                make(parent=top)

    def test_deleting_categories_in_bulk_tells_the_cache(
        self, desk: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        category = CategoryFactory()
        before = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):
            desk.post(
                "/admin/blog/category/", {"action": "delete_selected", "_selected_action": category.pk, "post": "yes"}
            )
        assert not Category.objects.exists()
        assert SiteSettings.current().content_version > before


class TestSiteSettings:
    @pytest.fixture
    def owner(self) -> Client:
        return at_desk(UserFactory(is_staff=True, is_superuser=True))

    def filled(self, page: Any) -> dict[str, Any]:
        initial = page.context["adminform"].form.initial
        return {name: value for name, value in initial.items() if value is not False and value is not None}

    def test_every_setting_is_there(self, owner: Client) -> None:
        page = owner.get("/admin/blog/sitesettings/1/change/")
        editable = {field.name for field in SiteSettings._meta.fields if field.editable and not field.primary_key}
        assert set(page.context["adminform"].form.fields) == editable

    def test_list_leads_to_the_one_row(self, owner: Client) -> None:
        assert owner.get("/admin/blog/sitesettings/")["Location"] == "/admin/blog/sitesettings/1/change/"

    def test_nothing_can_be_added_or_deleted(self, owner: Client) -> None:
        assert owner.get("/admin/blog/sitesettings/add/").status_code == 403
        assert owner.get("/admin/blog/sitesettings/1/delete/").status_code == 403

    def test_form_saves_them(self, owner: Client) -> None:
        page = owner.get("/admin/blog/sitesettings/1/change/")
        owner.post("/admin/blog/sitesettings/1/change/", self.filled(page) | {"title": "Human Rights Defenders"})
        assert SiteSettings.current().title == "Human Rights Defenders"
        assert SiteSettings.objects.count() == 1

    def test_they_come_back_when_the_row_is_gone(self, owner: Client) -> None:
        SiteSettings.objects.all().delete()
        page = owner.get("/admin/blog/sitesettings/1/change/")
        assert page.status_code == 200
        owner.post("/admin/blog/sitesettings/1/change/", self.filled(page) | {"title": "Back"})
        assert SiteSettings.current().title == "Back"
