"""Comments that are not approved appear nowhere on the public site."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from blog.models import Post, Status
from comments.models import Comment, CommentStatus
from comments.moderation.decisions import approve, mark_spam, restore, trash
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

SECRET = "Zanzibar"
HIDDEN = [CommentStatus.PENDING, CommentStatus.SPAM, CommentStatus.TRASH]


@pytest.fixture
def entries() -> dict[str, Any]:
    return {"post": PostFactory.create(title="Public", tags=["shared"]), "page": PageFactory.create(title="About")}


def public_urls(entries: dict[str, Any], comment: Comment) -> list[str]:
    """Return every public URL at which comments could appear."""
    page_urls = [
        "/",
        "/tag/shared/",
        "/2020/",
        "/feed/",
        "/comments/feed/",
        "/comments/feed/atom/",
        "/sitemap-posts.xml",
    ]
    page_urls.append("/comments/feed/atom/")
    for entry in entries.values():
        url = entry.get_absolute_url()
        page_urls += [url, f"{url}?replytocom={comment.pk}", f"{url}?unapproved={comment.pk}&moderation-hash=x"]
        page_urls += [f"{url}feed/", f"{url}feed/atom/"]
    return page_urls


@pytest.mark.parametrize("kind", ["post", "page"])
class TestHiddenComments:
    @pytest.mark.parametrize("status", HIDDEN)
    def test_no_public_page_shows_them(
        self, status: CommentStatus, kind: str, client: Client, entries: dict[str, Any]
    ) -> None:
        fields = {
            "text": SECRET,
            "name": SECRET,
            "website": f"https://{SECRET}.example",
            "email": f"{SECRET}@example.org",
        }
        comment = CommentFactory.create(entry=entries[kind], status=status, **fields)
        CommentFactory.create(entry=entries[kind], parent=comment, text="Answered")
        for page_url in public_urls(entries, comment):
            response = client.get(page_url)
            assert response.status_code == 200, page_url
            assert SECRET not in response.content.decode(), page_url

    def test_they_appear_only_while_they_are_approved(
        self, kind: str, client: Client, entries: dict[str, Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        moderator: User = UserFactory.create()
        url = entries[kind].get_absolute_url()
        comment = CommentFactory.create(entry=entries[kind], status=CommentStatus.PENDING, text=SECRET)
        for decide, shown in ((approve, True), (mark_spam, False), (restore, True), (trash, False)):
            # What a cache has kept must not outlive the decision.
            with django_capture_on_commit_callbacks(execute=True):
                decide([comment], moderator)
            for page_url in (url, f"{url}feed/", "/comments/feed/"):
                assert (SECRET in client.get(page_url).content.decode()) is shown, (decide, page_url)


class TestHiddenEntries:
    @pytest.mark.parametrize("status", [Status.DRAFT, Status.PENDING, Status.PRIVATE, Status.TRASH])
    def test_their_comments_are_hidden_too(self, status: Status, client: Client) -> None:
        for entry in ({"entry": PostFactory.create(status=status)}, {"entry": PageFactory.create(status=status)}):
            CommentFactory.create(**entry, text=SECRET)
        assert Comment.objects.public().count() == 0
        assert SECRET not in client.get("/comments/feed/").content.decode()


class TestEmailAddresses:
    def test_no_public_page_shows_them(self, client: Client, entries: dict[str, Any]) -> None:
        for entry in entries.values():
            comment = CommentFactory.create(entry=entry, email=f"{SECRET}@example.org")
        Post.objects.update(comment_count=1)
        for page_url in public_urls(entries, comment):
            assert SECRET not in client.get(page_url).content.decode(), page_url
