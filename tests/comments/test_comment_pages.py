"""Pages of long threads, and the URLs of pages and comments."""

import datetime as dt
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from pytest_django import DjangoAssertNumQueries

from blog.models import Page, Post
from blog.models import Status as EntryStatus
from comments import threads
from comments.models import Comment, CommentSettings
from comments.models import CommentKind as Kind
from comments.models import CommentStatus as Status
from comments.moderation.counting import recount
from comments.moderation.decisions import trash
from comments.sender_links import view_url
from comments.threads import find_page_number, thread
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.reader import Reader
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db

START = timezone.make_aware(dt.datetime(2021, 1, 1))


def fill(entry: Post | Page, count: int, **more: Any) -> list[Comment]:
    """Add `count` top-level comments, one a minute."""
    first = Comment.objects.on(entry).count()
    comments = Comment.objects.bulk_create(
        Comment(
            **{"entry": entry, "status": Status.APPROVED, "name": f"N{index}", "html": f"<p>Text {index}</p>", **more},
            created_at=START + dt.timedelta(minutes=index),
        )
        for index in range(first, first + count)
    )
    recount(entry)
    return comments


@pytest.fixture
def post() -> Any:
    """Return a post with 25 comments, ten per page."""
    CommentSettings.objects.update(comments_per_page=10)
    post = PostFactory.create(title="A long talk")
    fill(post, 25)
    return post


def shown(client: Client, path: str) -> list[str]:
    return [text(body) for body in find(read(client.get(path)), ".comment-body")]


def texts(first: int, last: int) -> list[str]:
    return [f"Text {index}" for index in range(first, last)]


class TestPages:
    def test_the_oldest_comments_are_at_the_url_of_the_entry(self, client: Client, post: Post) -> None:
        url = post.get_absolute_url()
        assert shown(client, url) == texts(0, 10)
        assert shown(client, f"{url}comment-page-2/") == texts(10, 20)
        assert shown(client, f"{url}comment-page-3/") == texts(20, 25)

    def test_comments_on_pages_are_split_too(self, client: Client) -> None:
        CommentSettings.objects.update(comments_per_page=10)
        page = PageFactory.create(title="Team", parent=PageFactory.create(title="About"))
        fill(page, 11)
        assert shown(client, "/about/team/comment-page-2/") == texts(10, 11)

    def test_replies_are_on_the_page_of_their_parent(self, client: Client, post: Post) -> None:
        first = Comment.objects.get(name="N0")
        fill(post, 1, parent=first)
        assert shown(client, post.get_absolute_url()) == ["Text 0", "Text 25", *texts(1, 10)]

    def test_zero_shows_all_on_one_page(self, client: Client, post: Post) -> None:
        CommentSettings.objects.update(comments_per_page=0)
        assert len(shown(client, f"{post.get_absolute_url()}?fresh=1")) == 25

    def test_the_heading_counts_the_comments_of_all_pages(self, client: Client, post: Post) -> None:
        page = read(client.get(f"{post.get_absolute_url()}comment-page-3/"))
        assert text(one(page, "#responses")) == "25 Responses to “A long talk”"

    def test_removed_comments_leave_no_gap(self, client: Client, post: Post) -> None:
        trash([Comment.objects.get(name="N3")], UserFactory.create())
        assert shown(client, f"{post.get_absolute_url()}?fresh=1")[-1] == "Text 10"

    def test_hidden_pingbacks_are_not_counted(self, client: Client, post: Post) -> None:
        Comment.objects.filter(name__in=["N1", "N2"]).update(kind=Kind.PINGBACK)
        CommentSettings.objects.update(show_pingbacks=False)
        assert shown(client, f"{post.get_absolute_url()}comment-page-3/") == texts(22, 25)


class TestLinks:
    def test_each_page_links_to_the_others(self, client: Client, post: Post) -> None:
        url = post.get_absolute_url()
        page = read(client.get(f"{url}comment-page-2/"))
        above, below = find(page, ".comment-pager")
        assert [link.get("href") for link in find(above, "a")] == [
            f"{url}#comments",
            f"{url}#comments",
            f"{url}comment-page-2/#comments",
            f"{url}comment-page-3/#comments",
            f"{url}comment-page-3/#comments",
        ]
        assert [link.get("rel") for link in (find(above, "a.older")[0], find(above, "a.newer")[0])] == ["prev", "next"]
        assert above.get("aria-label") != below.get("aria-label")
        assert [text(link) for link in find(above, "a") if link.get("aria-current") == "page"] == ["Page 2"]

    def test_a_short_thread_has_no_pager(self, client: Client) -> None:
        post = PostFactory.create()
        fill(post, 50)
        assert find(read(client.get(post.get_absolute_url())), ".comment-pager") == []

    def test_each_page_is_canonical_and_indexed(self, client: Client, post: Post) -> None:
        url = post.get_absolute_url()
        for path in (url, f"{url}comment-page-2/"):
            response = client.get(path)
            assert one(read(response), "link[rel=canonical]").get("href") == f"http://testserver{path}"
            assert "X-Robots-Tag" not in response
        title = text(one(read(client.get(f"{url}comment-page-2/")), "title"))
        assert title == "A long talk – comments, page 2 – Broadside"

    def test_comments_link_to_themselves_on_their_page(self, client: Client, post: Post) -> None:
        url = post.get_absolute_url()
        for path in (url, f"{url}comment-page-2/"):
            for link in find(read(client.get(path)), ".comment-date a"):
                assert link.get("href").startswith(f"{path}#comment-")

    def test_they_are_cached_and_set_no_cookie(self, post: Post) -> None:
        path = f"{post.get_absolute_url()}comment-page-2/"
        reader = Reader()
        response = reader.get(path)
        assert "public" in response.headers["Cache-Control"]
        assert "Set-Cookie" not in response.headers
        assert reader.get(path).body == response.body
        assert reader.rendered == [path]


class TestPagesThatDoNotExist:
    @pytest.mark.parametrize("page_number", ["0", "1", "01", "4", "999999999"])
    def test_they_redirect_to_the_entry(self, client: Client, post: Post, page_number: str) -> None:
        response = client.get(f"{post.get_absolute_url()}comment-page-{page_number}/")
        # Without a fragment, so that the browser keeps the one of the link.
        assert (response.status_code, response["Location"]) == (301, post.get_absolute_url())

    def test_a_moved_entry_redirects_to_the_same_page(self, client: Client, post: Post) -> None:
        before = post.get_absolute_url()
        post.slug = "renamed"
        post.save()
        response = client.get(f"{before}comment-page-2/")
        assert (response.status_code, response["Location"]) == (301, f"{post.get_absolute_url()}comment-page-2/")

    def test_the_query_string_form_of_wordpress_redirects_to_the_page(self, client: Client, post: Post) -> None:
        response = client.get(f"/?p={post.pk}&cpage=2")
        assert (response.status_code, response["Location"]) == (301, f"{post.get_absolute_url()}comment-page-2/")

    def test_hidden_entries_are_not_revealed(self, client: Client, post: Post) -> None:
        comment = Comment.objects.get(name="N15")
        Post.objects.update(status=EntryStatus.PRIVATE)
        for path in (f"{post.get_absolute_url()}comment-page-2/", f"/comments/{comment.pk}/"):
            response = client.get(path)
            assert (response.status_code, "Location" in response) == (404, False)

    @pytest.mark.parametrize(
        "path", ["/2021/13/45/x/comment-page-2/", "/category/x/comment-page-2/", "/%00/comment-page-2/"]
    )
    def test_invalid_urls_are_not_found(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 404


class TestCommentUrls:
    def test_they_redirect_to_the_page_of_the_comment(self, client: Client, post: Post) -> None:
        for at, page in ((0, ""), (9, ""), (10, "comment-page-2/"), (24, "comment-page-3/")):
            comment = Comment.objects.get(name=f"N{at}")
            response = client.get(comment.get_absolute_url())
            assert response.status_code == 302
            assert response["Location"] == f"{post.get_absolute_url()}{page}#comment-{comment.pk}"
            assert f'id="comment-{comment.pk}"' in client.get(response["Location"]).content.decode()

    def test_with_few_comments_they_are_on_the_entry_itself(self) -> None:
        post = PostFactory.create()
        comments = fill(post, 10)
        assert comments[-1].get_absolute_url() == f"{post.get_absolute_url()}#comment-{comments[-1].pk}"
        with pytest.raises(ValidationError, match="at least 10"):
            CommentSettings(comments_per_page=9).full_clean()

    @pytest.mark.parametrize("status", [Status.PENDING, Status.SPAM, Status.TRASH])
    def test_hidden_comments_are_not_found(self, client: Client, post: Post, status: Status) -> None:
        (comment,) = fill(post, 1, status=status)
        assert client.get(f"/comments/{comment.pk}/").status_code == 404

    def test_hidden_pingbacks_are_not_found(self, client: Client, post: Post) -> None:
        (comment,) = fill(post, 1, kind=Kind.PINGBACK)
        CommentSettings.objects.update(show_pingbacks=False)
        assert client.get(f"/comments/{comment.pk}/").status_code == 404

    def test_feeds_link_to_them(self, client: Client, post: Post) -> None:
        newest = Comment.objects.get(name="N24")
        assert f"<link>http://testserver/comments/{newest.pk}/</link>" in client.get("/comments/feed/").content.decode()


class TestReplying:
    def test_the_form_is_on_the_same_page_and_names_the_author(self, client: Client, post: Post) -> None:
        comment = Comment.objects.get(name="N12")
        path = f"{post.get_absolute_url()}comment-page-2/"
        item = one(read(client.get(path)), f"#comment-{comment.pk}")
        link = one(item, ".comment-reply a").get("href")
        assert link == f"{path}?replytocom={comment.pk}#respond"
        page = read(client.get(link))
        assert text(one(page, "#respond h2")) == "Leave a Reply to N12"
        assert one(page, ".cancel-reply a").get("href") == f"{path}#respond"
        assert find(page, f"#comment-{comment.pk}") != []

    def test_the_page_is_found_without_its_number_as_in_wordpress(self, client: Client, post: Post) -> None:
        comment = Comment.objects.get(name="N12")
        page = read(client.get(f"{post.get_absolute_url()}?replytocom={comment.pk}"))
        assert text(one(page, "#respond h2")) == "Leave a Reply to N12"

    def test_the_authors_link_finds_the_page_before_and_after_approval(self, client: Client, post: Post) -> None:
        (comment,) = fill(post, 1, status=Status.PENDING)
        link = view_url(comment)
        for status in (Status.PENDING, Status.APPROVED):
            Comment.objects.filter(pk=comment.pk).update(status=status)
            response = client.get(link)
            assert find(read(response), f"#comment-{comment.pk}") != []
            assert response["Cache-Control"] == "private, no-store"
            assert response["Referrer-Policy"] == "no-referrer"


class TestManyComments:
    def test_thousands_of_comments_need_no_more_queries(
        self, client: Client, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        post = PostFactory.create()
        fill(post, 51)
        with django_assert_num_queries(2):
            thread(post, CommentSettings(comments_per_page=50))
        fill(post, 2949)
        with django_assert_num_queries(2):
            page = thread(post, CommentSettings(comments_per_page=50), page_number=60)
        assert (page.page_count, page.count, len(page.nodes)) == (60, 3000, 50)

    def test_texts_of_other_pages_are_not_loaded(self, post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
        make, made = Comment.__init__, []

        def make_and_count(self: Comment, *row: Any) -> None:
            made.append(self)
            make(self, *row)

        monkeypatch.setattr(Comment, "__init__", make_and_count)
        with CaptureQueriesContext(connection) as queries:
            thread(post, CommentSettings(comments_per_page=10), page_number=2)
        assert len(made) == 10
        places, texts = (query["sql"] for query in queries)
        assert '"html"' not in places
        assert '"html"' in texts
        keys = Comment.objects.filter(name__in=[f"N{at}" for at in range(10, 20)]).values_list("pk", flat=True)
        assert all(f" {key}," in texts or f"({key}," in texts or f" {key})" in texts for key in keys)

    def test_a_comment_removed_between_the_two_queries_is_no_error(
        self, post: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        read = threads._read

        def read_after_removal(*args: Any) -> dict[int, Comment]:
            Comment.objects.filter(name="N3").update(status=Status.SPAM)
            return read(*args)

        monkeypatch.setattr(threads, "_read", read_after_removal)
        assert [node.comment.name for node in thread(post, CommentSettings(comments_per_page=10)).roots][-1] == "N10"


# The parent of a comment (how many comments before it, 0 for none), its status and its kind.
COMMENTS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from([Status.APPROVED] * 4 + [Status.PENDING, Status.SPAM]),
        st.sampled_from([Kind.COMMENT] * 4 + [Kind.PINGBACK]),
    ),
    max_size=14,
)


class TestAnyThread(TestCase):
    """Each visible comment is on exactly one page, and later comments never move it."""

    def _write(self, post: Post, comments: list[Any], before: list[Comment]) -> list[Comment]:
        written = list(before)
        for back, status, kind in comments:
            written.append(
                Comment.objects.create(
                    entry=post,
                    parent=written[-back] if 0 < back <= len(written) else None,
                    status=status,
                    kind=kind,
                    created_at=START + dt.timedelta(seconds=len(written)),
                )
            )
        recount(post)
        return written

    def _pages(self, post: Post, settings: CommentSettings) -> dict[int, int]:
        found: list[tuple[int, int]] = []
        page_number = page_count = 1
        while page_number <= page_count:
            page = thread(post, settings, page_number=page_number)
            page_count = page.page_count
            found += [(pk, page_number) for pk in page.nodes]
            page_number += 1
        assert len(dict(found)) == len(found)
        assert page.count == len(found)
        return dict(found)

    @hypothesis_settings(max_examples=40, deadline=None)
    @given(first=COMMENTS, later=COMMENTS, per_page=st.integers(0, 4), pingbacks=st.booleans())
    def test_each_stays_on_its_page(self, first: list[Any], later: list[Any], per_page: int, pingbacks: bool) -> None:
        post = PostFactory.create()
        settings = CommentSettings(comments_per_page=per_page, show_pingbacks=pingbacks)
        written = self._write(post, first, [])
        before = self._pages(post, settings)
        approved = Comment.objects.on(post).approved()
        shown = approved if pingbacks else approved.filter(kind=Kind.COMMENT)
        assert set(before) == set(shown.values_list("pk", flat=True))
        self._write(post, later, written)
        after = self._pages(post, settings)
        assert before.items() <= after.items()
        for pk, page_number in after.items():
            assert find_page_number(Comment.objects.get(pk=pk), settings) == page_number
