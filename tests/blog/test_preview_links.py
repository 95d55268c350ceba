"""Links with which people without an account can see unpublished texts."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.core.management import call_command
from django.test import Client
from django.utils import timezone, translation

from accounts import people
from accounts.models import AuditRecord, User
from accounts.password_links import Kind, make_link
from blog.admin.entry_preview import PreviewLinkForm
from blog.editing import preview_links
from blog.models import Post, PreviewLink, Status
from tests.factories import PASSWORD, PageFactory, PostFactory, UserFactory
from tests.factories.admin import ROLES, admin_url, client_of, user_in_role

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "another-long-password-8"


def draft(**fields: Any) -> Post:
    post: Post = PostFactory(**{"status": Status.DRAFT, "published_at": None, "source": "Some *words*."} | fields)
    return post


def path_of(link: PreviewLink) -> str:
    return preview_links.url_of(link).removeprefix("http://testserver")


def change_password(username: str) -> None:
    client = client_of(User.objects.get(username=username))
    new = {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
    client.post("/admin/password_change/", new)


def use_link(username: str) -> None:
    url = make_link(User.objects.get(username=username), Kind.GIVEN)
    Client().post(url, {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD})


class TestReading:
    @pytest.mark.parametrize(
        "entry",
        [
            {},
            {"status": Status.PENDING},
            {"status": Status.PRIVATE, "published_at": timezone.now()},
            {"status": Status.PUBLISHED, "published_at": timezone.now() + dt.timedelta(days=3)},
            {"password": "secret"},
        ],
        ids=["draft", "pending", "private", "scheduled", "password"],
    )
    def test_a_link_shows_an_unpublished_text(self, editor: User, entry: dict[str, Any]) -> None:
        response = Client().get(path_of(preview_links.create(draft(**entry), editor, 7)))
        page = response.content.decode()
        assert "<em>words</em>" in page
        assert "Preview: this is not public." in page
        assert "Edit post" not in page

    def test_its_expiry_is_in_the_language_of_the_page(self) -> None:
        with translation.override("fr"):
            assert "7 jours" in str(PreviewLinkForm()["days"])

    def test_it_is_not_cached_indexed_or_sent_as_a_referrer(self, editor: User) -> None:
        path = path_of(preview_links.create(draft(), editor, 7))
        for _ in range(2):
            response = Client().get(path)
            assert response["Cache-Control"] == "private, no-store"
            assert response["X-Robots-Tag"] == "noindex"
            assert response["Referrer-Policy"] == "no-referrer"
            assert not response.cookies

    def test_it_shows_later_changes(self, editor: User) -> None:
        post = draft()
        path = path_of(preview_links.create(post, editor, 7))
        assert "Later" not in Client().get(path).content.decode()
        post.source = "Later."
        post.save()
        assert "Later." in Client().get(path).content.decode()

    def test_once_the_text_is_public_it_redirects_to_the_page(self, editor: User) -> None:
        post = PostFactory()
        response = Client().get(path_of(preview_links.create(post, editor, 7)))
        assert (response.status_code, response["Location"]) == (302, post.get_absolute_url())

    def test_it_works_for_pages(self, editor: User) -> None:
        page = PageFactory(status=Status.DRAFT, source="Some *words*.")
        assert "<em>words</em>" in Client().get(path_of(preview_links.create(page, editor, 7))).content.decode()

    def test_expired_and_revoked_links_and_links_to_trash_show_nothing(self, editor: User) -> None:
        expired, revoked, trashed = (preview_links.create(draft(), editor, 1) for _ in range(3))
        paths = [path_of(link) for link in (expired, revoked, trashed)]
        PreviewLink.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
        revoked.delete()
        Post.objects.filter(pk=trashed.entry_id).update(status=Status.TRASH)
        for path in paths:
            response = Client().get(path)
            assert response.status_code == 410
            assert "<em>words</em>" not in response.content.decode()
            assert response["Cache-Control"] == "private, no-store"

    @pytest.mark.parametrize(
        "leave", [people.lock, *(partial(people.give_role, role=role) for role in ("", "Moderator")), User.delete]
    )
    def test_links_of_people_who_may_no_longer_log_in_or_have_another_role_show_nothing(
        self, editor: User, leave: Callable[[User], object]
    ) -> None:
        link = preview_links.create(draft(), editor, 1)
        leave(editor)
        assert Client().get(path_of(link)).status_code == 410
        assert not preview_links.working_links(link.entry.preview_links.all())

    @pytest.mark.parametrize(
        ("leave", "come_back"),
        [
            (people.lock, people.reactivate),
            (partial(people.give_role, role=""), partial(people.give_role, role="Editor")),
        ],
    )
    def test_links_stay_dead_when_their_creator_may_log_in_again(
        self, editor: User, leave: Callable[[User], object], come_back: Callable[[User], object]
    ) -> None:
        link = preview_links.create(draft(), editor, 1)
        leave(editor)
        come_back(editor)
        assert Client().get(path_of(link)).status_code == 410

    @pytest.mark.parametrize("choose", [change_password, use_link, partial(call_command, "changepassword")])
    def test_links_end_with_a_new_password(
        self, choose: Callable[[str], object], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        link = preview_links.create(draft(), UserFactory(username="amina", role="Editor", password=PASSWORD), 1)
        # What the command asks for.
        monkeypatch.setattr("getpass.getpass", lambda prompt: NEW_PASSWORD)
        choose("amina")
        assert User.objects.get(username="amina").check_password(NEW_PASSWORD)
        assert Client().get(path_of(link)).status_code == 410

    def test_links_do_not_end_when_the_same_password_is_hashed_again(self, editor: User, settings: Any) -> None:
        settings.PASSWORD_HASHERS = [
            f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("MD5", "PBKDF2SHA1")
        ]
        link = preview_links.create(draft(), editor, 1)
        User.objects.filter(pk=editor.pk).update(password=make_password(PASSWORD, hasher="pbkdf2_sha1"))
        Client().post("/admin/login/", {"username": editor.username, "password": PASSWORD})
        assert User.objects.get(pk=editor.pk).password.startswith("md5$")
        assert Client().get(path_of(link)).status_code == 200

    @pytest.mark.parametrize("token", ["1", "1:", "1:forged", "x", "\x00", "1:" + "é" * 20, "-1:x"])
    def test_forged_ones_show_nothing(self, editor: User, token: str) -> None:
        preview_links.create(draft(), editor, 1)
        assert Client().get("/", {preview_links.PARAMETER: token}).status_code == 410

    def test_the_signature_of_one_link_opens_no_other(self, editor: User) -> None:
        first, second = (preview_links.create(draft(), editor, 1) for _ in range(2))
        signature = preview_links.url_of(first).rpartition("%3A")[2]
        token = f"{second.pk}:{signature}"
        assert Client().get("/", {preview_links.PARAMETER: token}).status_code == 410


class TestManaging:
    def url(self, entry: Any) -> str:
        return admin_url(entry, "preview_links")

    def test_links_are_created_listed_and_revoked(self, editor: User) -> None:
        post, client = draft(), client_of(editor)
        assert self.url(post) in client.get(admin_url(post, "change")).content.decode()
        client.post(self.url(post), {"days": "3"})
        link = PreviewLink.objects.get()
        assert link.expires_at - link.created_at == dt.timedelta(days=3)
        page = client.get(self.url(post)).content.decode()
        assert preview_links.url_of(link) in page
        assert str(editor) in page
        client.post(self.url(post), {"revoke": link.pk})
        assert not PreviewLink.objects.exists()
        logged = AuditRecord.objects.filter(kind="blog.post").order_by("pk").values_list("details", flat=True)
        assert list(logged) == ["Created a preview link.", "Revoked a preview link."]

    @pytest.mark.parametrize("days", ["0", "-1", "31", "9999999999", "x", ""])
    def test_only_the_offered_times_can_be_chosen(self, editor: User, days: str) -> None:
        response = client_of(editor).post(self.url(draft()), {"days": days})
        assert response.context["form"].errors
        assert not PreviewLink.objects.exists()

    def test_links_to_another_text_cannot_be_revoked_from_this_one(self, editor: User) -> None:
        link = preview_links.create(draft(), editor, 7)
        assert client_of(editor).post(self.url(draft()), {"revoke": link.pk}).status_code == 404
        assert PreviewLink.objects.exists()

    def test_expired_ones_are_deleted_with_the_next_new_one(self, editor: User) -> None:
        preview_links.create(draft(), editor, 7)
        PreviewLink.objects.update(expires_at=timezone.now())
        link = preview_links.create(draft(), editor, 7)
        assert list(PreviewLink.objects.all()) == [link]

    @pytest.mark.parametrize("role", ROLES)
    def test_every_user_who_may_change_a_text_may_share_it(self, role: str) -> None:
        user = user_in_role(role)
        own, other, page = draft(author=user or UserFactory()), draft(), PageFactory(status=Status.DRAFT)
        public = PostFactory(author=user or UserFactory())
        client = client_of(user)
        for entry in (own, other, public, page):
            client.post(self.url(entry), {"days": "3"})
        shared = set(PreviewLink.objects.values_list("entry", flat=True))
        edits_all = role in {"Editor", "superuser"}
        everything = {own.pk, other.pk, public.pk, page.pk}
        assert shared == (everything if edits_all else {own.pk} if role == "Author" else set())
