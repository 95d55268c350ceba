"""What is not approved reaches no public surface, in no state and by no way."""

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


def surfaces(entries: dict[str, Any], comment: Comment) -> list[str]:
    """Every address a reader has that comments could show on."""
    addresses = [
        "/",
        "/tag/shared/",
        "/2020/",
        "/feed/",
        "/comments/feed/",
        "/comments/feed/atom/",
        "/sitemap-posts.xml",
    ]
    addresses.append("/comments/feed/atom/")
    for entry in entries.values():
        url = entry.get_absolute_url()
        addresses += [url, f"{url}?replytocom={comment.pk}", f"{url}?unapproved={comment.pk}&moderation-hash=x"]
        addresses += [f"{url}feed/", f"{url}feed/atom/"]
    return addresses


@pytest.mark.parametrize("kind", ["post", "page"])
class TestHiddenComments:
    @pytest.mark.parametrize("status", HIDDEN)
    def test_no_surface_shows_them(
        self, status: CommentStatus, kind: str, client: Client, entries: dict[str, Any]
    ) -> None:
        words = {
            "text": SECRET,
            "name": SECRET,
            "website": f"https://{SECRET}.example",
            "email": f"{SECRET}@example.org",
        }
        comment = CommentFactory.create(entry=entries[kind], status=status, **words)
        CommentFactory.create(entry=entries[kind], parent=comment, text="Answered")
        for address in surfaces(entries, comment):
            response = client.get(address)
            assert response.status_code == 200, address
            assert SECRET not in response.content.decode(), address

    def test_they_show_once_they_are_approved_and_no_longer_after(
        self, kind: str, client: Client, entries: dict[str, Any], django_capture_on_commit_callbacks: Any
    ) -> None:
        moderator: User = UserFactory.create()
        url = entries[kind].get_absolute_url()
        comment = CommentFactory.create(entry=entries[kind], status=CommentStatus.PENDING, text=SECRET)
        for move, shown in ((approve, True), (mark_spam, False), (restore, True), (trash, False)):
            # What a cache has kept must not outlive the decision.
            with django_capture_on_commit_callbacks(execute=True):
                move([comment], moderator)
            for address in (url, f"{url}feed/", "/comments/feed/"):
                assert (SECRET in client.get(address).content.decode()) is shown, (move, address)


class TestHiddenEntries:
    @pytest.mark.parametrize("status", [Status.DRAFT, Status.PENDING, Status.PRIVATE, Status.TRASH])
    def test_their_comments_are_hidden_too(self, status: Status, client: Client) -> None:
        for entry in ({"entry": PostFactory.create(status=status)}, {"entry": PageFactory.create(status=status)}):
            CommentFactory.create(**entry, text=SECRET)
        assert Comment.objects.public().count() == 0
        assert SECRET not in client.get("/comments/feed/").content.decode()


class TestAddressesOfPeople:
    def test_no_surface_shows_an_e_mail_address(self, client: Client, entries: dict[str, Any]) -> None:
        for entry in entries.values():
            comment = CommentFactory.create(entry=entry, email=f"{SECRET}@example.org")
        Post.objects.update(comment_count=1)
        for address in surfaces(entries, comment):
            assert SECRET not in client.get(address).content.decode(), address
