"""Posts, pages, categories and site settings in the admin: forms, messages, lists and bulk actions."""

import datetime as dt
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from accounts.models import AuditRecord, User
from blog.models import Category, Page, Post, Status
from core.models import SiteSettings
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, client_of, form_data
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor() -> User:
    user: User = UserFactory(role="Editor", display_name="The Editor")
    return user


@pytest.fixture
def client(editor: User) -> Client:
    """The client of an editor. `Client()` is a reader's."""
    return client_of(editor)


def add_post(client: Client, **fields: Any) -> Any:
    return client.post(admin_url(Post, "add"), form_data(**fields))


def save(client: Client, entry: Post | Page, **changes: Any) -> Any:
    return client.post(admin_url(entry, "change"), form_data(entry, **changes))


def listed(client: Client, path: str) -> list[str]:
    return [str(entry) for entry in client.get(path).context["cl"].result_list]


class TestWriting:
    def test_a_post_can_be_written_and_published(self, client: Client, editor: User) -> None:
        awards = CategoryFactory(name="awards")
        add_post(
            client,
            title="A lamp",
            source="The *first* sentence.",
            _step="publish",
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

    def test_input_is_kept_if_there_is_an_error(self, client: Client) -> None:
        fields = {
            "title": "Kept <title>",
            "source": "Kept *source*\n\n<b>",
            "excerpt": "Kept excerpt",
            "tags": "kept tag, other",
            "slug": "not/possible",
        }
        response = add_post(client, **fields)
        assert response.status_code == 200
        page = response.content.decode()
        for words in fields.values():
            assert escape(words) in page
        assert "contain spaces or any of" in page
        assert not Post.objects.exists()

    def test_a_text_that_is_too_long_is_an_error(self, client: Client) -> None:
        response = add_post(client, title="Long", source="x" * 500_001)
        assert "This text is too long" in response.context["adminform"].form.errors["source"][0]

    def test_staff_and_former_authors_can_be_chosen_as_the_author(self, client: Client) -> None:
        colleague = UserFactory(role="Author")
        former = PostFactory().author
        reader = UserFactory()
        form_fields = client.get(admin_url(Post, "add")).context["adminform"].form.fields
        offered = {getattr(key, "value", key) for key, _name in form_fields["author"].choices}
        assert {colleague.pk, former.pk} <= offered
        assert reader.pk not in offered

    def test_a_language_that_is_not_in_the_list_is_kept(self, client: Client, editor: User) -> None:
        post = PostFactory(language="tzm", author=editor)
        assert save(client, post, title="Changed").status_code == 302
        assert Post.objects.get().language == "tzm"

    def test_two_posts_of_one_day_with_the_same_title_get_different_slugs(self, client: Client, editor: User) -> None:
        for _ in range(2):
            add_post(client, title="Same", _step="publish", author=editor.pk)
        assert set(Post.objects.values_list("slug", flat=True)) == {"same", "same-2"}


class TestSource:
    @pytest.mark.parametrize("source", ["one\r\ntwo\r\n", "\n\n  indented\n", "one\ntwo", "trailing   \n\n"])
    def test_is_kept_byte_for_byte_until_it_is_changed(self, client: Client, editor: User, source: str) -> None:
        post = PostFactory(source=source, markup="html", author=editor)
        submitted = source.replace("\r\n", "\n").replace("\n", "\r\n")
        save(client, post, title="Changed", source=submitted)
        assert Post.objects.get().title == "Changed"
        assert Post.objects.get().source == source

    def test_line_endings_of_a_new_text_are_normalised(self, client: Client, editor: User) -> None:
        add_post(client, title="New", source="one\r\n\r\ntwo", author=editor.pk)
        assert Post.objects.get().source == "one\n\ntwo"

    def test_the_editor_previews_and_uploads_in_the_markup_of_the_entry(self, client: Client) -> None:
        post = PostFactory(markup="html")
        page = client.get(admin_url(post, "change")).content.decode()
        assert f'data-markdownx-urls-path="/admin/markdownx/preview/?markup=html&amp;entry={post.pk}"' in page
        assert 'data-markdownx-upload-urls-path="/admin/markdownx/upload/?markup=html"' in page

    def test_every_page_about_a_text_names_it_in_its_title(self, client: Client) -> None:
        post = PostFactory(title="A <lamp>", markup="html")
        for name in ("change", "quick", "notes", "convert", "translations", "history"):
            title = one(read(client.get(admin_url(post, name))), "title")
            assert text(title).startswith("A <lamp> – ")

    def test_the_markup_cannot_be_changed(self, client: Client, editor: User) -> None:
        post = PostFactory(markup="html", author=editor)
        save(client, post, title="Changed", markup="markdown")
        assert Post.objects.get().markup == "html"


class TestTags:
    def names(self) -> set[str]:
        return {tag.name for tag in Post.objects.get().tags.all()}

    def test_names_are_separated_by_commas_and_new_lines_only(self, client: Client, editor: User) -> None:
        add_post(client, title="New", tags='human rights,  "quoted" , NGOs\r\nYou Tube, NGOs,,', author=editor.pk)
        assert self.names() == {"human rights", '"quoted"', "NGOs", "You Tube"}

    def test_names_are_shown_as_they_were_entered(self, client: Client, editor: User) -> None:
        post = PostFactory(tags=["euroMed Rights", "coöperation", "Свобода"], author=editor)
        assert escape("coöperation, euroMed Rights, Свобода") in client.get(admin_url(post, "change")).content.decode()
        save(client, post, title="Changed")
        assert self.names() == {"euroMed Rights", "coöperation", "Свобода"}

    def test_a_name_in_capitals_is_the_same_tag(self, client: Client, editor: User) -> None:
        PostFactory(tags=["coöperation"])
        add_post(client, title="New", tags="COÖPERATION", author=editor.pk)
        assert [tag.name for tag in Post.objects.get(title="New").tags.all()] == ["coöperation"]

    def test_tags_can_be_removed(self, client: Client, editor: User) -> None:
        post = PostFactory(tags=["stays", "goes"], author=editor)
        save(client, post, tags="stays")
        assert self.names() == {"stays"}

    def test_a_name_that_is_too_long_is_an_error(self, client: Client) -> None:
        response = add_post(client, title="New", tags="fine, " + "x" * 201)
        assert "is longer than 200 characters" in response.context["adminform"].form.errors["tags"][0]
        assert not Post.objects.exists()

    def test_the_length_of_a_name_is_counted_before_normalisation(self, client: Client, editor: User) -> None:
        add_post(client, title="New", tags="ﷺ" * 200, author=editor.pk)
        assert self.names() == {"ﷺ" * 200}

    def test_the_history_mentions_tags_only_if_they_have_changed(self, client: Client, editor: User) -> None:
        post = PostFactory(tags=["b", "A", "c"], author=editor)
        save(client, post, title="Changed", tags="c, b, A")
        assert "Tags" not in AuditRecord.objects.latest("pk").details
        save(client, Post.objects.get(), tags="c")
        assert "Tags" in AuditRecord.objects.latest("pk").details


class TestEditConflicts:
    def test_the_second_person_is_warned_and_loses_nothing(self, client: Client, editor: User) -> None:
        post = PostFactory(title="Before", author=editor, tags=["tag"])
        second = form_data(post, title="By the second", source="Long work", tags="tag, new")
        save(client_of(UserFactory(role="Editor")), post, title="By the first")

        response = client.post(admin_url(post, "change"), second)
        assert Post.objects.get().title == "By the first"
        page = response.content.decode()
        assert "saved this while you were editing" in page
        assert f'<a href="{admin_url(post, "change")}" target="_blank">' in page
        for words in ("By the second", "Long work", "tag, new"):
            assert words in page

        again = second | {"version": response.context["adminform"].form["version"].value()}
        client.post(admin_url(post, "change"), again)
        assert Post.objects.get().title == "By the second"
        assert Post.objects.get().source == "Long work"

    def test_a_third_version_causes_another_warning(self, client: Client, editor: User) -> None:
        post = PostFactory(title="Before", author=editor)
        mine = form_data(post, title="Mine")
        save(client, post, title="First")
        version = client.post(admin_url(post, "change"), mine).context["adminform"].form["version"].value()
        save(client, Post.objects.get(), title="Second")
        client.post(admin_url(post, "change"), mine | {"version": version})
        assert Post.objects.get().title == "Second"

    def test_a_form_without_a_version_is_refused(self, client: Client, editor: User) -> None:
        post = PostFactory(title="Before", author=editor)
        save(client, post, title="Changed", version="")
        assert Post.objects.get().title == "Before"

    @pytest.mark.parametrize(
        ("step", "time"),
        [
            ("publish", ""),
            ("publish", "2099-01-01T10:00"),
            ("schedule", "2099-01-01T10:00"),
            ("save", "2020-01-01T10:00"),
        ],
    )
    def test_giving_a_draft_its_date_and_slug_twice_is_not_a_conflict(
        self, client: Client, step: str, time: str
    ) -> None:
        draft = PostFactory(slug="", status=Status.DRAFT, published_at=None, author=UserFactory(role="Editor"))
        data = form_data(draft, _step=step, published_at=time)
        assert client.post(admin_url(draft, "change"), data).status_code == 302
        published = Post.objects.get()
        assert client.post(admin_url(draft, "change"), data).status_code == 302
        assert (Post.objects.get().published_at, Post.objects.get().slug) == (published.published_at, published.slug)

    def test_publishing_anew_twice_is_not_a_conflict(self, client: Client) -> None:
        post = PostFactory()
        data = form_data(post, published_at="")
        assert [client.post(admin_url(post, "change"), data).status_code for _ in range(2)] == [302, 302]

    @pytest.mark.parametrize("step", ["unpublish", "publish_privately", "trash"])
    @pytest.mark.parametrize("date", ["2020-02-02T10:00+00:00", "2099-02-02T10:00+00:00"])
    def test_clearing_the_date_of_a_post_that_is_no_longer_published_removes_it(
        self, client: Client, step: str, date: str
    ) -> None:
        post = PostFactory(published_at=dt.datetime.fromisoformat(date))
        data = form_data(post, _step=step, published_at="")
        # The second click of a double click changes nothing.
        assert [client.post(admin_url(post, "change"), data).status_code for _ in range(2)] == [302, 302]
        assert (Post.objects.get().published_at, Post.objects.get().published_on) == (None, None)

    @pytest.mark.parametrize("step", ["save", "publish"])
    def test_clearing_a_date_that_someone_else_changed_is_a_conflict(self, client: Client, step: str) -> None:
        post = PostFactory()
        mine = form_data(post, _step=step, published_at="")
        save(client, post, published_at="2020-02-02T10:00")
        assert client.post(admin_url(post, "change"), mine).status_code == 200
        assert Post.objects.get().published_on == dt.date(2020, 2, 2)

    def test_clearing_the_slug_makes_one_from_the_title(self, client: Client) -> None:
        post = PostFactory(title="After", slug="before")
        client.post(admin_url(post, "change"), form_data(post, slug=""))
        assert Post.objects.get().slug == "after"

    def test_submitting_a_form_twice_is_not_a_conflict(self, client: Client, editor: User) -> None:
        post = PostFactory(title="Before", author=editor, tags=["b", "A"])
        data = form_data(post, title="After", tags="A, b, c")
        assert [client.post(admin_url(post, "change"), data).status_code for _ in range(2)] == [302, 302]

    def test_a_new_comment_is_not_a_conflict_and_stays_counted(self, client: Client, editor: User) -> None:
        post = PostFactory(title="Before", author=editor)
        data = form_data(post, title="After")
        Post.objects.update(comment_count=3)
        assert client.post(admin_url(post, "change"), data).status_code == 302
        assert Post.objects.get().comment_count == 3

    def test_pages_are_protected_as_well(self, client: Client, editor: User) -> None:
        page = PageFactory(title="Before", author=editor)
        mine = form_data(page, title="Mine")
        save(client, page, title="First")
        client.post(admin_url(page, "change"), mine)
        assert Page.objects.get().title == "First"


class TestPostList:
    def test_filters_by_status_and_leaves_out_the_trash(self, client: Client) -> None:
        for status in Status:
            PostFactory(title=status.value, status=status)
        PostFactory(title="later", published_at=timezone.now() + dt.timedelta(days=9))
        path = "/admin/blog/post/"
        assert set(listed(client, path)) == {"draft", "pending", "published", "private", "later"}
        for status in Status:
            assert listed(client, f"{path}?state={status}") == [status.value]
        assert listed(client, f"{path}?state=scheduled") == ["later"]

    def test_filters_by_category_with_its_descendants(self, client: Client) -> None:
        parent = CategoryFactory(name="awards")
        child = CategoryFactory(name="MEA", parent=parent)
        PostFactory(title="in parent", categories=[parent])
        PostFactory(title="in child", categories=[child])
        PostFactory(title="in both", categories=[parent, child])
        PostFactory(title="elsewhere")
        path = "/admin/blog/post/?category="
        assert sorted(listed(client, f"{path}{parent.pk}")) == ["in both", "in child", "in parent"]
        assert sorted(listed(client, f"{path}{child.pk}")) == ["in both", "in child"]
        assert listed(client, f"{path}x") == listed(client, f"{path}99999") == []

    def test_filters_by_language_and_author(self, client: Client) -> None:
        arabic, other = PostFactory(title="Arabic", language="ar"), PostFactory(title="Other")
        assert listed(client, "/admin/blog/post/?language=ar") == ["Arabic"]
        assert listed(client, f"/admin/blog/post/?author={other.author.pk}") == ["Other"]
        filters = client.get("/admin/blog/post/").context["cl"].filter_specs
        language = next(spec for spec in filters if spec.title == "language")
        assert language.lookup_choices == [("ar", "Arabic")]
        assert arabic.author != other.author

    @pytest.mark.parametrize("query", ["lamp", "the-lamp-slug", "human ri", "LAMP"])
    def test_searches_titles_slugs_and_tags(self, client: Client, query: str) -> None:
        PostFactory(title="A lamp", slug="the-lamp-slug", tags=["human rights", "human rites", "lamp"])
        PostFactory(title="Else", tags=["human kind"])
        assert listed(client, f"/admin/blog/post/?q={query}") == ["A lamp"]

    def test_takes_a_fixed_number_of_queries(self, client: Client, django_assert_num_queries: Any) -> None:
        def add() -> None:
            PostFactory(tags=["a", "b"], categories=[CategoryFactory()], language="ar")

        add()
        add()
        client.get("/admin/blog/post/")
        for _ in range(2):
            with django_assert_num_queries(18):
                client.get("/admin/blog/post/")
            for _ in range(5):
                add()

    def test_does_not_read_the_texts(self, client: Client) -> None:
        PostFactory()
        post = client.get("/admin/blog/post/").context["cl"].result_list[0]
        assert {"source", "body_html", "lead_html"} <= post.get_deferred_fields()

    def test_links_to_the_post_or_its_preview(self, client: Client) -> None:
        public, draft = PostFactory(title="Public"), PostFactory(title="Draft", status=Status.DRAFT)
        links = [link.attrib for link in find(read(client.get("/admin/blog/post/")), "p.entry-actions a")]
        assert {"href": public.get_absolute_url(), "aria-label": "View: Public"} in links
        assert {"href": draft.get_preview_url(), "aria-label": "Preview: Draft"} in links


class TestBulkActions:
    def run(self, client: Client, action: str, *entries: Post | Page, status: str = "") -> list[str]:
        """Run an action on entries of one kind and return the messages that are shown, without their Undo buttons."""
        url = admin_url(type(entries[0]), "changelist")
        response = client.post(
            f"{url}?state={status}" if status else url,
            {"action": action, "_selected_action": [entry.pk for entry in entries]},
            follow=True,
        )
        return [str(message).partition(" <form")[0] for message in response.context["messages"]]

    def test_report_the_number_of_entries(self, client: Client) -> None:
        drafts = [PostFactory(status=Status.DRAFT) for _ in range(3)]
        assert self.run(client, "publish", *drafts) == ["3 posts published."]
        assert self.run(client, "unpublish", *drafts[:2]) == ["2 posts unpublished."]
        assert self.run(client, "trash", *drafts) == ["3 posts moved to the trash."]
        assert self.run(client, "restore", *drafts, status="trash") == ["3 posts restored as drafts."]

    def test_link_to_the_result_if_it_is_one_entry(self, client: Client) -> None:
        post, page = PostFactory(status=Status.DRAFT), PageFactory(status=Status.DRAFT)
        preview = f'<a href="{escape(post.get_preview_url())}">Preview post</a>'
        assert self.run(client, "publish", post) == [
            f'Post published. <a href="{post.get_absolute_url()}">View post</a>'
        ]
        assert self.run(client, "unpublish", post) == [f"Post unpublished. {preview}"]
        assert self.run(client, "trash", post) == [f"Post moved to the trash. {preview}"]
        assert self.run(client, "restore", post, status="trash") == [f"Post restored as a draft. {preview}"]
        assert self.run(client, "publish", page) == [
            f'Page published. <a href="{page.get_absolute_url()}">View page</a>'
        ]

    def test_report_scheduled_entries_separately(self, client: Client) -> None:
        later = timezone.now() + dt.timedelta(days=9)
        drafts = [PostFactory(status=Status.DRAFT, published_at=time) for time in (None, None, later, later)]
        assert self.run(client, "publish", *drafts) == ["2 posts published. 2 posts scheduled."]

    def test_report_entries_that_were_refused(self) -> None:
        author = UserFactory(role="Author")
        drafts = [PostFactory(author=author, status=Status.DRAFT) for _ in range(2)]
        public = PostFactory(author=author)
        refused = escape("One post was not changed: it is in the trash, or you don't have permission to change it.")
        not_changed, trashed = self.run(client_of(author), "trash", *drafts, public)
        assert not_changed == f'{refused} <a href="{public.get_absolute_url()}">View post</a>'
        assert trashed.startswith("2 posts moved to the trash.")

    def test_say_so_if_nothing_was_changed(self, client: Client) -> None:
        assert self.run(client, "publish", PostFactory()) == ["Nothing was changed."]

    def test_are_logged_in_the_history_of_each_entry(self, client: Client) -> None:
        posts = [PostFactory(status=Status.DRAFT) for _ in range(2)]
        self.run(client, "publish", *posts)
        logged = AuditRecord.objects.filter(action="published", kind="blog.post")
        assert {entry.object_id for entry in logged} == {str(post.pk) for post in posts}

    def test_apply_to_all_search_results(self, client: Client) -> None:
        for index in range(3):
            PostFactory(title=f"lamp {index}", status=Status.DRAFT, tags=["lamp"])
        client.post(
            "/admin/blog/post/?q=lamp",
            {"action": "publish", "select_across": "1", "_selected_action": [Post.objects.first().pk]},  # type: ignore[union-attr]  # there is one
        )
        assert Post.objects.published().count() == 3

    def test_deleting_lists_related_objects_and_makes_cached_pages_expire(
        self, client: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        post = PostFactory(status=Status.TRASH, tags=["tag"], categories=[CategoryFactory()])
        CommentFactory(entry=post)
        data = {"action": "delete_selected", "_selected_action": post.pk}
        page = read(client.post("/admin/blog/post/?state=trash", data))
        # The rows that link a post to its categories and tags are not worth mentioning.
        assert [text(line) for line in find(page, "#content ul li")] == ["Posts: 1", "Comments: 1", post.title]
        before = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):
            client.post("/admin/blog/post/?state=trash", data | {"post": "yes"})
        assert not Post.objects.exists()
        assert SiteSettings.current().content_version > before


class TestTrees:
    def test_children_are_listed_below_their_parents(self, client: Client) -> None:
        about = PageFactory(title="About")
        PageFactory(title="About us")
        PageFactory(title="Team", parent=about)
        awards = CategoryFactory(name="awards")
        CategoryFactory(name="awards of old")
        CategoryFactory(name="MEA", parent=awards)
        assert listed(client, "/admin/blog/page/") == ["About", "Team", "About us"]
        assert listed(client, "/admin/blog/category/") == ["awards", "MEA", "awards of old"]
        # A search leaves out the parents.
        found = read(client.get("/admin/blog/category/?q=MEA"))
        assert [text(cell) for cell in found.find_class("field-whole_path")] == ["awards/mea"]
        parents = client.get(admin_url(Page, "add")).context["adminform"].form.fields["parent"].choices
        assert [label for _key, label in parents] == ["None", "About", "— Team", "About us"]
        boxes = client.get(admin_url(Post, "add")).context["adminform"].form.fields["categories"].choices
        assert [str(label) for _key, label in boxes] == [
            '<span class="tree-0">awards</span>',
            '<span class="tree-1">MEA</span>',
            '<span class="tree-0">awards of old</span>',
        ]

    @pytest.mark.parametrize("title", ["Tag", "2024", "Feed"])
    def test_a_page_cannot_have_a_reserved_slug(self, client: Client, editor: User, title: str) -> None:
        data = form_data(title=title, author=editor.pk, menu_order=0)
        response = client.post(admin_url(Page, "add"), data)
        assert "Choose another" in response.content.decode()
        client.post(admin_url(Page, "add"), data | {"slug": "on-it"})
        assert Page.objects.get().path == "on-it"

    def test_a_page_cannot_be_moved_below_itself(self, client: Client, editor: User) -> None:
        about = PageFactory(title="About", author=editor)
        team = PageFactory(title="Team", parent=about)
        other = PageFactory(title="Other")
        choices = client.get(admin_url(about, "change")).context["adminform"].form.fields["parent"].choices
        assert [getattr(key, "value", key) for key, _label in choices] == ["", other.pk]
        save(client, about, parent=team.pk)
        assert Page.objects.get(pk=about.pk).parent is None

    def test_a_page_moves_with_its_children(self, client: Client, editor: User) -> None:
        about, team = PageFactory(title="About", author=editor), PageFactory(title="Team", author=editor)
        member = PageFactory(title="Member", parent=team)
        save(client, team, parent=about.pk)
        assert Page.objects.get(pk=member.pk).path == "about/team/member"

    def test_categories_show_their_post_counts(self, client: Client) -> None:
        category = CategoryFactory()
        for _ in range(2):
            PostFactory(categories=[category, CategoryFactory()])
        counts = {row.pk: row.post_count for row in client.get("/admin/blog/category/").context["cl"].result_list}
        assert counts[category.pk] == 2

    def test_a_category_can_be_added(self, client: Client) -> None:
        client.post("/admin/blog/category/add/", {"name": "Human Rights", "slug": "", "parent": "", "description": ""})
        assert Category.objects.get().path == "human-rights"

    @pytest.mark.parametrize("kind", ["page", "category"])
    def test_lists_take_a_fixed_number_of_queries(
        self, client: Client, kind: str, django_assert_num_queries: Any
    ) -> None:
        make = {"page": PageFactory, "category": CategoryFactory}[kind]
        top = make()
        make(parent=top)
        client.get(f"/admin/blog/{kind}/")
        for _ in range(2):
            with django_assert_num_queries({"page": 15, "category": 7}[kind]):
                client.get(f"/admin/blog/{kind}/")
            for _ in range(3):
                make(parent=top)

    def test_deleting_categories_makes_cached_pages_expire(
        self, client: Client, django_capture_on_commit_callbacks: Any
    ) -> None:
        category = CategoryFactory()
        before = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):
            client.post(
                "/admin/blog/category/", {"action": "delete_selected", "_selected_action": category.pk, "post": "yes"}
            )
        assert not Category.objects.exists()
        assert SiteSettings.current().content_version > before


class TestSiteSettings:
    @pytest.fixture
    def owner(self) -> Client:
        return client_of(UserFactory(is_staff=True, is_superuser=True))

    def submitted_data(self, page: Any) -> dict[str, Any]:
        initial = page.context["adminform"].form.initial
        return {name: value for name, value in initial.items() if value is not False and value is not None}

    def test_the_form_has_every_setting(self, owner: Client) -> None:
        page = owner.get("/admin/core/sitesettings/1/change/")
        editable = {field.name for field in SiteSettings._meta.fields if field.editable and not field.primary_key}
        assert set(page.context["adminform"].form.fields) - {"version"} == editable

    def test_the_list_redirects_to_the_form(self, owner: Client) -> None:
        assert owner.get("/admin/core/sitesettings/")["Location"] == "/admin/core/sitesettings/1/change/"

    def test_settings_cannot_be_added_or_deleted(self, owner: Client) -> None:
        assert owner.get("/admin/core/sitesettings/add/").status_code == 403
        assert owner.get("/admin/core/sitesettings/1/delete/").status_code == 403

    def test_the_form_saves_the_settings(self, owner: Client) -> None:
        page = owner.get("/admin/core/sitesettings/1/change/")
        owner.post(
            "/admin/core/sitesettings/1/change/", self.submitted_data(page) | {"title": "Human Rights Defenders"}
        )
        assert SiteSettings.current().title == "Human Rights Defenders"
        assert SiteSettings.objects.count() == 1

    def test_defaults_apply_if_the_row_is_missing(self, owner: Client) -> None:
        SiteSettings.objects.all().delete()
        page = owner.get("/admin/core/sitesettings/1/change/")
        assert page.status_code == 200
        owner.post("/admin/core/sitesettings/1/change/", self.submitted_data(page) | {"title": "Back"})
        assert SiteSettings.current().title == "Back"
