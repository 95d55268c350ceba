"""Storing a comment, and its first status."""

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from accounts.models import User
from blog.models import Page, Post
from comments.models import Comment, CommentPolicy, CommentSettings
from comments.models import CommentKind as Kind
from comments.models import CommentStatus as Status
from comments.moderation.submission import SECOND_CLICK, submit
from core.models import SiteSettings
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db


def send(entry: Post | Page, policy: CommentPolicy = CommentPolicy.HOLD, **fields: Any) -> Comment:
    values = {"name": "Ann", "email": "ann@example.org", "text": "Hello.", **fields}
    return submit(entry, settings=CommentSettings(comment_policy=policy, proof_of_work=False), **values)


@pytest.fixture
def post() -> Any:
    return PostFactory.create()


class TestStoring:
    def test_it_keeps_what_was_written_and_renders_it(self, post: Post) -> None:
        parent = CommentFactory.create(entry=post)
        comment = send(post, website="https://ann.example", text="One\n\nTwo", parent=parent)
        comment.refresh_from_db()
        assert (comment.name, comment.email, comment.website) == ("Ann", "ann@example.org", "https://ann.example")
        assert (comment.entry, comment.parent, comment.user) == (post, parent, None)
        assert comment.html == '<p dir="auto">One</p>\n<p dir="auto">Two</p>'
        assert not comment.is_html
        assert comment.kind == Kind.COMMENT

    def test_pages_take_comments_too(self) -> None:
        page = PageFactory.create()
        assert send(page).entry == page

    def test_users_comment_under_the_name_of_their_account(self, post: Post) -> None:
        user = UserFactory.create(display_name="Bo", email="bo@example.org")
        comment = send(post, user=user, name="", email="")
        assert (comment.name, comment.email, comment.user) == ("Bo", "bo@example.org", user)

    def test_there_is_no_field_for_an_ip_address(self) -> None:
        assert {field.name for field in Comment._meta.concrete_fields} == {
            *("id", "entry", "parent", "kind", "status", "user", "name", "email", "website", "text"),
            *("is_html", "is_imported", "html", "created_at", "status_since", "reasons"),
        }

    def test_a_reply_to_a_deleted_comment_has_no_parent(self, post: Post) -> None:
        parent = CommentFactory.create(entry=post)
        Comment.objects.filter(pk=parent.pk).delete()
        assert send(post, parent=parent).parent is None

    def test_a_deleted_entry_raises_does_not_exist(self, post: Post) -> None:
        Post.objects.filter(pk=post.pk).delete()
        with pytest.raises(Post.DoesNotExist):
            send(post)


class TestFirstStatus:
    @pytest.mark.parametrize(
        ("policy", "status"),
        [
            (CommentPolicy.HOLD, Status.PENDING),
            (CommentPolicy.TRUST_KNOWN, Status.PENDING),
            (CommentPolicy.OPEN, Status.APPROVED),
        ],
    )
    def test_the_policy_decides_about_strangers(self, policy: CommentPolicy, status: Status, post: Post) -> None:
        assert send(post, policy).status == status

    @pytest.mark.parametrize(
        ("policy", "status"), [(CommentPolicy.HOLD, Status.PENDING), (CommentPolicy.TRUST_KNOWN, Status.APPROVED)]
    )
    def test_known_people_are_approved_if_the_policy_trusts_them(
        self, policy: CommentPolicy, status: Status, post: Post
    ) -> None:
        CommentFactory.create(name="Ann", email="ann@example.org")
        assert send(post, policy).status == status

    @pytest.mark.parametrize(
        "before",
        [
            {"status": Status.PENDING},
            {"status": Status.SPAM},
            {"status": Status.TRASH},
            {"name": "Anna"},
            {"email": "anna@example.org"},
            {"kind": Kind.PINGBACK},
        ],
    )
    def test_people_are_known_only_by_an_approved_comment_with_the_same_name_and_address(
        self, before: dict[str, Any], post: Post
    ) -> None:
        CommentFactory.create(**{"name": "Ann", "email": "ann@example.org", **before})
        assert send(post, CommentPolicy.TRUST_KNOWN).status == Status.PENDING

    def test_impersonating_a_staff_member_does_not_help(self, post: Post) -> None:
        editor = UserFactory.create(role="Editor")
        CommentFactory.create(name="Ann", email="ann@example.org", user=editor)
        assert send(post, CommentPolicy.TRUST_KNOWN).status == Status.PENDING

    def test_no_one_is_known_without_an_address(self, post: Post) -> None:
        CommentFactory.create(name="Ann", email="")
        assert send(post, CommentPolicy.TRUST_KNOWN, email="").status == Status.PENDING

    @pytest.mark.parametrize(
        ("role", "status"),
        [("Moderator", Status.APPROVED), ("Editor", Status.APPROVED), ("Author", Status.PENDING), ("", Status.PENDING)],
    )
    def test_comments_by_moderators_are_approved(self, role: str, status: Status, post: Post) -> None:
        user = User.objects.get(pk=UserFactory.create(role=role).pk)
        assert send(post, user=user).status == status

    @pytest.mark.parametrize("policy", list(CommentPolicy))
    def test_the_honeypot_makes_it_spam_under_every_policy(self, policy: CommentPolicy, post: Post) -> None:
        CommentFactory.create(name="Ann", email="ann@example.org")
        assert send(post, policy, trapped=True).status == Status.SPAM


class TestCounts:
    @pytest.mark.parametrize(("policy", "count"), [(CommentPolicy.OPEN, 1), (CommentPolicy.HOLD, 0)])
    def test_only_approved_comments_are_counted(
        self,
        policy: CommentPolicy,
        count: int,
        post: Post,
        django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
    ) -> None:
        version = SiteSettings.current().content_version
        with django_capture_on_commit_callbacks(execute=True):
            send(post, policy)
        post.refresh_from_db()
        assert post.comment_count == count
        # A flood of pending comments must not expire the caches.
        assert (SiteSettings.current().content_version > version) == bool(count)


class TestRepeatedText:
    """WordPress refuses repeated comments. Here they are held, so nothing is lost."""

    @pytest.fixture
    def _first_an_hour_ago(self, post: Post) -> None:
        send(post)
        Comment.objects.update(created_at=timezone.now() - dt.timedelta(hours=1))

    @pytest.mark.parametrize(
        ("other", "is_held"),
        [
            ({}, True),
            ({"name": "Bo"}, True),
            ({"email": "bo@example.org"}, True),
            ({"name": "Bo", "email": "bo@example.org"}, False),
            ({"text": "Hello!"}, False),
        ],
    )
    @pytest.mark.usefixtures("_first_an_hour_ago")
    def test_it_is_held_if_it_comes_from_the_same_name_or_address_in_the_same_place(
        self, other: dict[str, str], is_held: bool, post: Post
    ) -> None:
        again = send(post, CommentPolicy.OPEN, **other)
        assert Comment.objects.count() == 2
        assert (again.status == Status.PENDING) is is_held
        assert [reason["check"] for reason in again.reasons] == (["duplicate"] if is_held else [])

    @pytest.mark.usefixtures("_first_an_hour_ago")
    def test_trashed_comments_do_not_count(self, post: Post) -> None:
        Comment.objects.update(status=Status.TRASH)
        assert send(post, CommentPolicy.OPEN).status == Status.APPROVED

    def test_people_without_an_address_are_not_one_person(self, post: Post) -> None:
        send(post, name="Bo", email="")
        assert send(post, CommentPolicy.OPEN, name="Cy", email="").status == Status.APPROVED


class TestCommentsClosedInTheMeantime:
    @pytest.mark.parametrize(
        ("entry", "everywhere"),
        [
            ({"comments_open": False}, {}),
            ({"status": "draft"}, {}),
            ({}, {"comments_open": False}),
            ({}, {"close_comments_after_days": 5}),
        ],
    )
    def test_the_comment_is_held(self, entry: dict[str, Any], everywhere: dict[str, Any], post: Post) -> None:
        Post.objects.filter(pk=post.pk).update(comment_count=0, **entry)
        settings = CommentSettings(comment_policy=CommentPolicy.OPEN, proof_of_work=False, **everywhere)
        comment = submit(post, text="Hello.", name="Ann", email="ann@example.org", settings=settings)
        assert (comment.status, [reason["check"] for reason in comment.reasons]) == (Status.PENDING, ["closed"])


class TestSecondClick:
    def test_it_returns_what_the_first_one_stored(self, post: Post) -> None:
        assert send(post) == send(post)
        assert Comment.objects.count() == 1

    @pytest.mark.parametrize("status", list(Status))
    def test_the_status_of_the_first_makes_no_difference(self, status: Status, post: Post) -> None:
        first = send(post)
        Comment.objects.update(status=status)
        assert send(post) == first

    @pytest.mark.parametrize(
        "other", [{"name": "Bo"}, {"email": "bo@example.org"}, {"text": "Hello!"}, {"website": "x"}]
    )
    def test_any_difference_makes_it_another_comment(self, other: dict[str, Any], post: Post) -> None:
        assert send(post) != send(post, **other)

    def test_the_same_text_elsewhere_is_another_comment(self, post: Post) -> None:
        parent = CommentFactory.create(entry=post)
        assert len({send(post).pk, send(PostFactory.create()).pk, send(post, parent=parent).pk}) == 3

    def test_the_same_text_later_is_another_comment(self, post: Post) -> None:
        first = send(post)
        Comment.objects.update(created_at=timezone.now() - SECOND_CLICK - dt.timedelta(seconds=1))
        assert send(post) != first

    def test_it_is_recognised_whatever_was_sent_before(self, post: Post) -> None:
        an_hour_ago = timezone.now() - dt.timedelta(hours=1)
        values = {"name": "Ann", "email": "ann@example.org", "text": "Hello.", "created_at": an_hour_ago}
        Comment.objects.bulk_create(Comment(entry=post, **values) for _comment in range(100))
        assert send(post) == send(post)
