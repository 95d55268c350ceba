"""Offboarding: deactivating and erasing accounts and reassigning their work. The last owner can't be removed."""

import uuid
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import AuditRecord, User
from accounts.offboarding import HasWorkError, offboard
from accounts.people import LastOwnerError, deactivate, give_role, reactivate
from blog import publishing
from blog.admin.entries import PostAdmin
from blog.models import Autosave, Entry, Post, Status
from core.changes import content_version
from tests.factories import PASSWORD, CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import client_of, form_data, user_in_role
from tests.factories.types import AtOnce

LIST = "/admin/accounts/user/"


@pytest.fixture
def owner(db: None) -> Client:
    return client_of(user_in_role("superuser"))


@pytest.fixture
def writer(owner: Client) -> User:
    person: User = UserFactory(
        username="secret-login",
        display_name="Rosa Pen",
        slug="",
        first_name="Realfirst",
        last_name="Reallast",
        email="rosa@example.org",
        role="Author",
        password="x" * 12,
    )
    return person


def url_of(person: User, page: str = "offboard") -> str:
    return f"{LIST}{person.pk}/{page}/"


class TestDeactivating:
    def test_locks_the_account_and_keeps_the_work(self, owner: Client, writer: User) -> None:
        post = PostFactory(author=writer)
        session = client_of(writer)
        assert session.get("/admin/blog/post/").status_code == 200
        shown = owner.post(url_of(writer)).text
        assert "Posts and pages: 1" in shown
        assert "stays as it is, with the name “Rosa Pen”" in shown
        assert User.objects.get(pk=writer.pk).is_active
        response = owner.post(url_of(writer), {"confirm": "1"}, follow=True)
        assert "“Rosa Pen” can no longer log in." in response.text
        assert session.get("/admin/blog/post/").status_code == 302
        credentials = {"username": "secret-login", "password": "x" * 12}
        assert Client().post("/admin/login/", credentials).status_code == 200
        post.refresh_from_db()
        assert post.author == writer

    def test_can_be_undone_but_sessions_stay_ended(self, owner: Client, writer: User) -> None:
        session = client_of(writer)
        owner.post(url_of(writer), {"confirm": "1"})
        assert owner.get(url_of(writer, "reactivate"))["Location"] == url_of(writer, "change")
        assert not User.objects.get(pk=writer.pk).is_active
        owner.post(url_of(writer, "reactivate"))
        assert session.get("/admin/blog/post/").status_code == 302
        stored = User.objects.get(pk=writer.pk)
        assert (stored.is_active, stored.role, stored.check_password("x" * 12)) == (True, "Author", True)

    def test_no_password_link_is_created_for_a_deactivated_account(self, owner: Client, writer: User) -> None:
        deactivate(writer)
        response = owner.post(url_of(writer, "link"), follow=True)
        assert "This account is deactivated. Reactivate it first." in response.text
        assert "/admin/password/set/" not in response.text


class TestReassigning:
    def test_moves_posts_and_pages_in_every_status(self, owner: Client, writer: User) -> None:
        heir = UserFactory(role="Editor", display_name="Heir")
        for status in Status:
            PostFactory(author=writer, status=status)
        PageFactory(author=writer)
        other = PostFactory()
        shown = owner.post(url_of(writer), {"heir": heir.pk}).text
        assert "will show the name “Heir”" in shown
        assert not Entry.objects.filter(author=heir).exists()
        owner.post(url_of(writer), {"heir": heir.pk, "confirm": "1"})
        assert Entry.objects.filter(author=heir).count() == len(Status) + 1
        other.refresh_from_db()
        assert other.author != heir

    def test_readers_see_the_new_author_with_the_next_request(
        self, owner: Client, writer: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        heir = UserFactory(role="Editor", display_name="Heir")
        PostFactory(author=writer, title="Winter")
        before = content_version()
        with django_capture_on_commit_callbacks(execute=True):
            owner.post(url_of(writer), {"heir": heir.pk, "confirm": "1"})
        assert content_version() > before
        reader = Client()
        assert "Winter" in reader.get(f"/author/{heir.slug}/").text
        assert "Winter" not in reader.get(f"/author/{writer.slug}/").text
        assert "Winter" in reader.get("/", {"s": f"author:{heir.slug}"}).text
        assert "Winter" not in reader.get("/", {"s": f"author:{writer.slug}"}).text

    def test_takes_a_fixed_number_of_statements_for_each_batch(self, owner: Client, writer: User) -> None:
        def statements(heir: User) -> int:
            with CaptureQueriesContext(
                connection,
            ) as queries:
                offboard(writer, heir=heir, erase=False)
            return len(queries)

        PostFactory.create_batch(2, author=writer)
        few = statements(UserFactory())
        Post.objects.update(author=writer)
        PostFactory.create_batch(40, author=writer)
        assert statements(UserFactory()) <= few

    def test_is_refused_if_the_heir_cannot_log_in(self, owner: Client, writer: User) -> None:
        PostFactory(author=writer)
        for heir in (writer, UserFactory(), UserFactory(role="Editor", is_active=False)):
            response = owner.post(url_of(writer), {"heir": heir.pk, "confirm": "1"})
            assert "heir" in response.context["form"].errors
        assert User.objects.get(pk=writer.pk).is_active


class TestErasing:
    def test_requires_an_heir_for_the_work(self, owner: Client, writer: User) -> None:
        PostFactory(author=writer)
        response = owner.post(url_of(writer), {"erase": "on", "confirm": "1"})
        assert "Choose who takes over this person&#x27;s posts and pages" in response.text
        with pytest.raises(HasWorkError):
            offboard(writer, heir=None, erase=True)
        stored = User.objects.get(pk=writer.pk)
        assert stored.is_active

    def test_leaves_no_trace_of_the_person(self, owner: Client, writer: User) -> None:
        heir = UserFactory(role="Editor")
        post = PostFactory(author=writer)
        CommentFactory(entry=post, user=writer, name="", email="")
        client_of(writer).post(f"/admin/blog/post/{post.pk}/notes/", {"text": "A note"})
        owner.post(url_of(writer, "link"))
        owner.post(url_of(writer, "change"), {"role": "Editor"})
        shown = owner.post(url_of(writer), {"heir": heir.pk, "erase": "on"}).text
        assert "can&#x27;t be undone" in shown or "can't be undone" in shown
        response = owner.post(url_of(writer), {"heir": heir.pk, "erase": "on", "confirm": "1"})
        assert response["Location"] == LIST
        assert not User.objects.filter(pk=writer.pk).exists()
        secrets = ("secret-login", "Rosa Pen", "rosa-pen", "Realfirst", "Reallast", "rosa@example.org")
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                if table == "django_session" or "search" in table:
                    continue
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608  our own tables
                rows = repr(cursor.fetchall())
                assert not [secret for secret in secrets if secret in rows], table
        assert AuditRecord.objects.filter(kind=AuditRecord.PERSON, object_id=str(writer.pk), action="erased").exists()

    def test_works_for_accounts_without_work(self, owner: Client, writer: User) -> None:
        assert "There are no posts or pages under this name." in owner.get(url_of(writer)).text
        owner.post(url_of(writer), {"erase": "on", "confirm": "1"})
        assert not User.objects.filter(pk=writer.pk).exists()

    def test_deletes_autosaves(self, owner: Client, writer: User) -> None:
        now = timezone.now()
        Autosave.objects.create(user=writer, kind="post", form_id=uuid.uuid4(), data={}, saved_at=now, seen_at=now)
        owner.post(url_of(writer), {"erase": "on", "confirm": "1"})
        assert not Autosave.objects.exists()

    def test_without_work_to_give_away_is_atomic(self, writer: User, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*args: Any) -> None:
            raise RuntimeError

        monkeypatch.setattr(User, "delete", fail)
        with pytest.raises(RuntimeError):
            offboard(writer, heir=None, erase=True)
        assert User.objects.get(pk=writer.pk).is_active

    def test_that_is_interrupted_leaves_an_account_that_is_locked_and_continues_when_repeated(
        self, owner: Client, writer: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        heir, posts = UserFactory(role="Editor"), PostFactory.create_batch(3, author=writer)
        monkeypatch.setattr(publishing, "_BATCH_SIZE", 1)

        def fail(ids: list[int], **kwargs: Any) -> None:
            if posts[1].pk in ids:
                raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(publishing, "entries_changed", fail)
            with pytest.raises(RuntimeError):
                owner.post(url_of(writer), {"heir": heir.pk, "erase": "on", "confirm": "1"})
        assert [post.author for post in Post.objects.order_by("pk")] == [writer, writer, heir]
        assert not User.objects.get(pk=writer.pk).is_active
        owner.post(url_of(writer), {"heir": heir.pk, "erase": "on", "confirm": "1"})
        assert set(Post.objects.values_list("author", flat=True)) == {heir.pk}
        assert not User.objects.filter(pk=writer.pk).exists()


class TestLastOwner:
    @pytest.mark.parametrize("data", [{}, {"erase": "on"}])
    def test_can_be_neither_deactivated_nor_erased(self, owner: Client, data: dict[str, str]) -> None:
        last = User.objects.get(is_superuser=True)
        UserFactory(is_superuser=True, is_active=False)
        response = owner.post(url_of(last), {**data, "confirm": "1"}, follow=True)
        assert "This is the only owner who can log in." in response.text
        stored = User.objects.get(pk=last.pk)
        assert (stored.is_active, stored.is_superuser) == (True, True)

    def test_can_be_removed_as_long_as_another_owner_remains(self, owner: Client) -> None:
        first, second = (
            User.objects.get(is_superuser=True),
            UserFactory(is_superuser=True, is_staff=True, password=PASSWORD),
        )
        owner.post(url_of(second), {"confirm": "1"})
        assert not User.objects.get(pk=second.pk).is_active
        reactivate(second)
        give_role(second, "Editor")
        with pytest.raises(LastOwnerError):
            give_role(first, "Editor")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("act", [deactivate, lambda person: give_role(person, ""), None])
def test_two_owners_cannot_remove_each_other_at_the_same_time(at_once: AtOnce, act: Any) -> None:
    owners = UserFactory.create_batch(2, is_superuser=True, password=PASSWORD)
    act = act or (lambda person: offboard(person, heir=None, erase=True))

    def remove(person: User) -> None:
        with suppress(LastOwnerError):
            act(person)

    at_once(*[lambda person=person: remove(person) for person in owners])
    assert User.objects.filter(is_superuser=True, is_active=True).count() == 1


@pytest.mark.django_db(transaction=True)
def test_saving_while_the_account_is_erased_leads_to_the_login_page(
    writer: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, data = client_of(writer), form_data(title="New", autosave=str(uuid.uuid4()))
    may_add = PostAdmin.has_add_permission

    def erase(admin: PostAdmin, request: HttpRequest) -> bool:
        is_allowed = may_add(admin, request)
        for person in User.objects.filter(pk=writer.pk):
            offboard(person, heir=None, erase=True)
        return is_allowed

    monkeypatch.setattr(PostAdmin, "has_add_permission", erase)
    response = client.post("/admin/blog/post/add/", data)
    assert response["Location"].startswith("/admin/login/")
    assert not Post.objects.exists()
