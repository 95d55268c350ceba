"""The lists of posts and pages in the admin: what they show, tabs, filters, search, and their cost."""

import datetime as dt
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from accounts.models import User
from blog.admin import entry_list
from blog.admin.entry_list import picture_urls
from blog.editing import autosaves
from blog.models import Entry, Post, Status
from media.models import Picture
from media.pictures import store_picture
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import client_of
from tests.factories.database import executed_statements
from tests.factories.files import picture_file
from tests.factories.plans import plan_of
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db

POSTS = "/admin/blog/post/"


@pytest.fixture
def editor() -> User:
    user: User = UserFactory(role="Editor", display_name="Ruth")
    return user


@pytest.fixture
def client(editor: User) -> Client:
    return client_of(editor)


def titles(client: Client, query: str = "", path: str = POSTS) -> list[str]:
    return [entry.title for entry in client.get(path + query).context["cl"].result_list]


def tabs(client: Client, query: str = "", path: str = POSTS) -> list[str]:
    return [text(tab) for tab in find(read(client.get(path + query)), "nav.tabs li")]


class TestRows:
    def test_show_what_editors_look_for(self, client: Client, editor: User) -> None:
        category = CategoryFactory(name="Awards")
        post = PostFactory(title="A lamp", author=editor, categories=[category], tags=["b", "A", "c", "d", "e", "f"])
        Post.objects.update(comment_count=2)
        CommentFactory(entry=post, status="pending")
        row = one(read(client.get(POSTS)), "#result_list tbody tr")
        assert text(one(row, "a.entry-title")) == "A lamp"
        assert one(row, "a.entry-title").get("href") == f"{POSTS}{post.pk}/change/"
        assert text(one(row, "span.state")) == "Published"
        assert text(one(row, "span.entry-tags")) == "Tags: #A#b#c#d +2"
        assert text(one(row, "td.field-author_cell a")) == "Ruth"
        assert one(row, "td.field-categories_cell a").get("href") == f"?category={category.pk}"
        comments = {text(link): link.get("href") for link in find(row, "td.field-comments a")}
        assert comments == {
            "2 comments": f"/admin/comments/comment/?entry__id__exact={post.pk}&status__exact=approved",
            "1 pending": f"/admin/comments/comment/?entry__id__exact={post.pk}&status__exact=pending",
        }
        for url in comments.values():
            assert client.get(url).status_code == 200

    def test_have_no_column_for_comments_if_there_are_none(self, client: Client) -> None:
        PostFactory()
        assert find(read(client.get(POSTS)), "td.field-comments") == []

    def test_show_the_featured_image_or_else_the_first_of_the_text(self, client: Client) -> None:
        first, second = store_picture(picture_file()), store_picture(picture_file())
        picture, other = f"![x]({first.file.url})", f"![y]({second.file.url})"
        featured = PostFactory(featured_picture=second, source=picture)
        in_text = PostFactory(source=f"Words.\n\n{picture}\n\n{other}")
        elsewhere = PostFactory(source="![x](https://example.org/x.png)")
        urls = picture_urls([featured, in_text, elsewhere, PostFactory()])
        assert urls == {featured.pk: second.current_url, in_text.pk: first.current_url}
        shown = {image.get("src") for image in find(read(client.get(POSTS)), "img.entry-picture")}
        assert shown == set(urls.values())

    def test_show_a_small_copy_of_a_picture(self) -> None:
        picture = store_picture(picture_file())
        Picture.objects.filter(pk=picture.pk).update(rendition_rows=[("small.avif", 480), ("small.webp", 480)])
        post = PostFactory(source=f"![x]({picture.file.url})")
        assert picture_urls([post]) == {post.pk: picture.file.storage.url("small.webp")}

    def test_say_who_is_editing(self, client: Client) -> None:
        post = PostFactory()
        autosaves.OpenForm(UserFactory(role="Editor", display_name="Noor"), "post", post.pk).report()
        assert text(one(read(client.get(POSTS)), "span.entry-editing")) == "Noor is editing this."

    def test_name_the_status_in_words(self, client: Client) -> None:
        PostFactory(published_at=timezone.make_aware(dt.datetime(2131, 7, 1, 14)))
        PostFactory(status=Status.PENDING)
        states = [text(state) for state in find(read(client.get(POSTS)), "span.state")]
        assert states == ["Scheduled for Sun 1 July 2131, 14:00", "Pending review"]

    def test_begin_with_the_draft_that_was_changed_last(self, client: Client) -> None:
        PostFactory(title="old", published_at=timezone.now() - dt.timedelta(days=9))
        PostFactory(title="draft", status=Status.DRAFT, published_at=None)
        assert titles(client) == ["draft", "old"]
        assert "Last changed" in text(read(client.get(POSTS)))

    def test_show_titles_and_tags_as_text(self, client: Client) -> None:
        title, tag = """<i>'Ada' & "co"</i>""", """<b>'&"</b>"""
        PostFactory(title=title, tags=[tag], status=Status.DRAFT)
        row = one(read(client.get(POSTS)), "#result_list tbody tr")
        assert (text(one(row, "a.entry-title")), text(one(row, "span.entry-tags bdi"))) == (title, f"#{tag}")
        labels = [str(each.get("aria-label")) for each in find(row, "p.entry-actions > *")]
        assert labels == [f"{name}: {title}" for name in ("Quick edit", "Preview", "Duplicate", "Move to trash")]

    def test_need_no_template_each(self, client: Client) -> None:
        def templates() -> int:
            return len([each for each in client.get(POSTS).templates if "django/forms" not in str(each.name)])

        PostFactory(tags=["a"])
        before = templates()
        PostFactory.create_batch(2, tags=["a"])
        assert templates() == before

    def test_lead_back_to_the_same_list(self, client: Client) -> None:
        PostFactory()
        row = one(read(client.get(f"{POSTS}?state=published")), "#result_list tbody tr")
        assert "_changelist_filters=state%3Dpublished" in str(one(row, "a.entry-title").get("href"))

    def test_offer_in_the_trash_only_what_is_possible_there(self, client: Client) -> None:
        PostFactory(status=Status.TRASH)
        page = read(client.get(f"{POSTS}?state=trash"))
        assert [text(action) for action in one(page, "p.entry-actions")] == ["Restore as draft", "Delete permanently…"]
        choices = [option.get("value") for option in find(page, "[name=action] option")]
        assert set(choices) == {"", "restore", "delete_selected"}
        elsewhere = [option.get("value") for option in find(read(client.get(POSTS)), "[name=action] option")]
        assert {"restore", "delete_selected"}.isdisjoint(elsewhere)

    def test_are_in_a_list_that_is_labelled_with_its_contents(self, client: Client) -> None:
        for path, title in ((POSTS, "Posts"), ("/admin/blog/page/", "Pages"), ("/admin/blog/category/", "Categories")):
            assert text(one(read(client.get(path)), "#content h1")) == title


class TestTabs:
    def test_count_each_status_that_has_entries(self, client: Client, editor: User) -> None:
        PostFactory(author=editor, status=Status.DRAFT)
        PostFactory.create_batch(2)
        PostFactory(published_at=timezone.now() + dt.timedelta(days=9))
        PostFactory(status=Status.TRASH)
        PageFactory()
        assert tabs(client) == ["All 4", "Mine 1", "Published 2", "Scheduled 1", "Drafts 1", "Trash 1"]
        assert tabs(client, path="/admin/blog/page/") == ["All 1", "Published 1"]

    @pytest.mark.parametrize(
        ("query", "current"), [("", "All"), ("?state=draft", "Drafts"), ("?author={editor}", "Mine")]
    )
    def test_mark_the_current_one(self, client: Client, editor: User, query: str, current: str) -> None:
        page = read(client.get(POSTS + query.format(editor=editor.pk)))
        (tab,) = [tab for tab in find(page, "nav.tabs a") if tab.get("aria-current")]
        assert text(tab).startswith(current)

    def test_show_authors_their_own_posts_only(self) -> None:
        author = UserFactory(role="Author")
        PostFactory(author=author, status=Status.DRAFT)
        PostFactory()
        assert tabs(client_of(author)) == ["All 1", "Drafts 1"]


class TestFilters:
    def test_are_shown_as_chips_that_remove_them(self, client: Client) -> None:
        category = CategoryFactory(name="Awards", parent=CategoryFactory())
        post = PostFactory(categories=[category], tags=["lamp"], author=UserFactory(display_name="Amina"))
        query = f"?author={post.author.pk}&category={category.pk}&q=lamp&state=published"
        page = read(client.get(POSTS + query))
        chips = {text(chip): str(chip.get("href")) for chip in find(page, "a.chip")}
        prefix = "Remove the filter"
        assert set(chips) == {f"{prefix} Search: lamp ✕", f"{prefix} Category: Awards ✕", f"{prefix} Author: Amina ✕"}
        assert chips[f"{prefix} Category: Awards ✕"] == f"?author={post.author.pk}&q=lamp&state=published"
        assert titles(client, query) == [post.title]
        assert find(read(client.get(POSTS)), "a.chip") == []

    def test_lead_from_tags_and_categories_to_their_posts(self, client: Client) -> None:
        category = CategoryFactory()
        post = PostFactory(tags=["lamp", "sea"], categories=[category], status=Status.DRAFT)
        PostFactory(tags=["sea"], source="lamp")
        page = read(client.get(POSTS))
        (link,) = {str(link.get("href")) for link in find(page, ".entry-tags a") if text(link) == "#lamp"}
        assert titles(client, link) == [post.title]
        assert [text(chip) for chip in find(read(client.get(POSTS + link)), "a.chip")] == [
            "Remove the filter Tag: lamp ✕"
        ]
        for url in ("/admin/tags/tag/?q=lamp", "/admin/blog/category/"):
            count = one(read(client.get(url)), ".field-post_count a")
            assert text(count) == "1"
            assert titles(client, str(count.get("href")).removeprefix(POSTS)) == [post.title]
        # A tag that has been deleted since doesn't lead to all posts.
        assert titles(client, "?tag=999") == []

    def test_offer_authors_who_have_written_something(self, client: Client) -> None:
        author = PostFactory().author
        page_author = PageFactory().author
        filters = client.get(POSTS).context["cl"].filters
        offered = next(spec for spec in filters if spec.parameter_name == "author").lookup_choices
        assert [key for key, _name in offered] == [str(author.pk)]
        assert page_author != author

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("?date=2019", {"october", "may"}),
            ("?date=2019-10", {"october"}),
            ("?date=2018", set()),
            ("?date=2019-13", set()),
            ("?date=x", set()),
            ("?date=99999999", set()),
            ("?author=x", set()),
            (f"?author={'9' * 5_000}", set()),
            (f"?category={'9' * 5_000}", set()),
        ],
    )
    def test_by_year_and_month(self, client: Client, query: str, found: set[str]) -> None:
        for title, month in (("may", 5), ("october", 10)):
            PostFactory(title=title, published_at=timezone.make_aware(dt.datetime(2019, month, 31, 23, 30)))
        PostFactory(title="later")
        CategoryFactory()
        assert set(titles(client, query)) == found

    def test_by_a_year_that_begins_before_all_others_in_the_time_zone_of_the_site(self, client: Client) -> None:
        PostFactory()
        with timezone.override("Asia/Tokyo"):
            assert titles(client, "?date=1") == []


class TestSearch:
    @pytest.mark.parametrize(
        "query", ["lamp", "LAMP", "night", "a-slug", "rights", "lamp rights", '"human ri"', "свобода", "СЛОВА", "été"]
    )
    def test_finds_words_of_titles_urls_texts_and_tags(self, client: Client, query: str) -> None:
        PostFactory(title="A lamp", slug="a-slug", source="By night. Свобода слова. ÉTÉ.", tags=["Human Rights"])
        PostFactory(title="Else", tags=["human"])
        assert titles(client, f"?q={query}") == ["A lamp"]

    @pytest.mark.parametrize("query", ["lamp else", '"rights human"', "%25", "_", "%27", '"'])
    def test_needs_all_words_exactly_as_typed(self, client: Client, query: str) -> None:
        PostFactory(title="A lamp", tags=["Human Rights"])
        assert titles(client, f"?q={query}") == []

    def test_finds_each_post_once(self, client: Client) -> None:
        PostFactory(title="lamp", source="lamp", tags=["lamp", "lamps"])
        assert titles(client, "?q=lamp") == ["lamp"]

    @pytest.mark.parametrize("status", Status.values)
    def test_finds_posts_of_any_status(self, client: Client, status: Status) -> None:
        PostFactory(
            title="A lamp", source="Lanterns", status=status, published_at=timezone.now() + dt.timedelta(days=1)
        )
        assert titles(client, f"?q=lantern&state={'scheduled' if status == Status.PUBLISHED else status}") == ["A lamp"]

    def test_does_not_find_pages_among_posts(self, client: Client) -> None:
        PageFactory(title="A lamp")
        assert titles(client, "?q=lamp") == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite runs such a subquery once.")
@pytest.mark.parametrize("words", ["lamp", "two lamps"])
def test_search_runs_no_subquery_for_each_post(client: Client, words: str) -> None:
    """With 100,000 posts and many assignments of the tags that match, it would take minutes."""
    PostFactory(title="Two lamps", source="Two lamps.", tags=["Two lamps"])
    found = client.get(f"{POSTS}?q={words}").context["cl"].queryset.order_by().values("pk")
    assert len(found) == 1
    assert "SubPlan" not in plan_of(found)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="Reads SQLite's plans; PostgreSQL's depend on statistics.")
class TestCost:
    """Every query of the list about all posts is answered by an index, in order and without reading the rows."""

    @pytest.mark.parametrize("query", ["", "?state=published", "?state=scheduled", "?state=draft", "?p=2"])
    def test_counts_and_orders_by_index(self, client: Client, query: str, monkeypatch: pytest.MonkeyPatch) -> None:
        PostFactory.create_batch(3)
        PostFactory(status=Status.DRAFT)
        client.get(POSTS)
        with executed_statements() as statements:
            changes = client.get(POSTS + query).context["cl"]
        # The rows of a page are chosen in a subquery of the statement that reads them.
        chosen = changes.paginator.object_list.values("pk")[:50].query.sql_with_params()
        about_all = [chosen] + [
            (sql, parameters)
            for sql, parameters in statements
            if sql.partition(" FROM ")[2].startswith('"blog_entry"') and " IN (" not in sql
        ]
        assert len(about_all) >= 7
        with connection.cursor() as cursor:
            for sql, parameters in about_all:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
                steps = [row[3] for row in cursor.fetchall()]
                assert not any("SCAN blog_entry" in step and "INDEX" not in step for step in steps), (sql, steps)
                if "ORDER BY" in sql and "LIMIT" in sql:
                    is_small = "state=draft" in query
                    assert is_small or not any("TEMP B-TREE" in step for step in steps), (sql, steps)
                if sql.startswith("SELECT COUNT"):
                    assert any("COVERING INDEX" in step for step in steps), (sql, steps)

    def test_counts_the_notes_of_the_rows_that_it_shows_only(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(entry_list.EntryList, "list_per_page", 1)
        PostFactory.create_batch(2)
        with executed_statements() as statements:
            client.get(f"{POSTS}?o=1")
        (reading,) = (sql for sql, _parameters in statements if '"open_notes"' in sql)
        _shown, chosen = reading.split(" IN (SELECT ")
        assert "blog_reviewnote" not in chosen

    def test_takes_the_same_number_of_queries_for_twenty_and_a_hundred(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(entry_list.EntryList, "list_per_page", 200)
        counts = []
        for number in (20, 80):
            for post in PostFactory.create_batch(number, tags=["a", "b"], categories=[CategoryFactory()]):
                CommentFactory(entry=post, status="pending")
            with executed_statements() as statements:
                assert len(titles(client)) == Entry.objects.count()
            counts.append(len(statements))
        assert counts[0] == counts[1] <= 22


@pytest.mark.parametrize(
    "typed",
    [
        "http://example.org/2012/05/old-report.pdf",
        "example.org/",
        "/media/2012/05/lamp.jpg",
        "https://blog.example.org/2012/03/08/%D9%81%D8%A7%D9%86%D9%88%D8%B3/?utm=x",
        "/2012/03/08/فانوس/",
    ],
)
def test_a_url_finds_the_post_that_has_it_and_those_that_link_to_it_or_show_it(client: Client, typed: str) -> None:
    source = "See [the report](http://example.org/2012/05/old-report.pdf).\n\n![Lamp](/media/2012/05/lamp.jpg)"
    PostFactory(title="Found", slug="فانوس", source=source)
    PostFactory(title="Other", source="See [the report](http://example.net/report.pdf).")
    with executed_statements() as statements:
        assert titles(client, f"?{urlencode({'q': typed})}") == ["Found"]
    # On PostgreSQL, reading 100,000 texts takes seconds.
    assert sum('"source" LIKE' in sql or '"source"::text LIKE' in sql for sql, _parameters in statements) == 1
