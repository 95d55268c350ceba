"""Posts and pages with a password: readers enter it in a form on a page without cookies, and guesses are throttled."""

import datetime as dt
import logging
import re
import unicodedata
from html import unescape
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone

from blog import passwords
from blog.models import Entry, Post
from blog.rendering import PAGE_BREAK
from tests.factories import CommentFactory, PageFactory, PostFactory, UserFactory
from tests.factories.admin import admin_url, form_data
from tests.factories.responses import one, read, text

pytestmark = pytest.mark.django_db

SECRET = "Zanzibar"
PASSWORD = "open sesame"


@pytest.fixture(params=[PostFactory, PageFactory], ids=["post", "page"])
def entry(request: pytest.FixtureRequest) -> Entry:
    found: Entry = request.param(title="Guarded", source=f"{SECRET} text", password=PASSWORD)
    return found


def send(entry: Entry, password: str = PASSWORD, client: Client | None = None, **headers: Any) -> Any:
    client = client or Client(enforce_csrf_checks=True)
    return client.post(entry.get_absolute_url(), {"post_password": password}, **headers)


def shows_content(response: Any) -> bool:
    return SECRET in response.content.decode()


class TestTheForm:
    def test_the_response_to_the_password_contains_the_content_and_the_comments(self, entry: Entry) -> None:
        CommentFactory(entry=entry, text="Whispered")
        response = send(entry)
        assert response.status_code == 200
        assert shows_content(response)
        assert "Whispered" in response.content.decode()
        assert "post_password" not in response.content.decode()

    def test_no_cache_stores_it_and_no_cookie_is_set(self, entry: Entry) -> None:
        client = Client()
        for password in (PASSWORD, "wrong"):
            response = send(entry, password, client)
            assert response.headers["Cache-Control"] == "private, no-store"
            assert response.headers["Referrer-Policy"] == "no-referrer"
            assert not response.has_header("ETag")
            assert not response.cookies
            assert not shows_content(client.get(entry.get_absolute_url()))

    def test_it_works_from_a_cached_page(self, entry: Entry) -> None:
        client = Client(enforce_csrf_checks=True)
        client.get(entry.get_absolute_url())
        page = client.get(entry.get_absolute_url())
        assert "public" in page.headers["Cache-Control"]
        form = one(read(page), "form.post-password-form")
        assert form.method == "POST"
        assert list(form.fields) == ["post_password"]
        assert shows_content(client.post(form.action, {"post_password": PASSWORD}))

    def test_it_works_for_users_with_a_session(self, entry: Entry) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(UserFactory(role="Editor"))
        assert not shows_content(client.get(entry.get_absolute_url()))
        response = send(entry, client=client)
        assert shows_content(response)
        assert response.headers["Cache-Control"] == "private, no-store"

    def test_a_wrong_password_is_refused_with_the_form(self, entry: Entry) -> None:
        response = send(entry, "close sesame")
        assert response.status_code == 403
        assert not shows_content(response)
        error_id = one(read(response), f"#pwbox-{entry.pk}").attrib["aria-describedby"]
        assert text(one(read(response), f"#{error_id}")) == "Invalid password."
        assert "close sesame" not in response.content.decode()

    def test_form_and_error_are_in_the_language_of_the_text(self, entry: Entry) -> None:
        Entry.objects.filter(pk=entry.pk).update(language="fr")
        form = one(read(send(entry, "close sesame")), "form.post-password-form")
        assert form.attrib["lang"] == "fr"
        assert text(one(form, ".errorlist")) == "Mot de passe incorrect."

    @pytest.mark.parametrize("password", ["", " ", "OPEN SESAME", "open\x00sesame", "é" * 10_000])
    def test_anything_else_is_a_wrong_password(self, entry: Entry, password: str) -> None:
        assert send(entry, password).status_code == 403

    def test_what_readers_cannot_see_makes_no_difference(self, entry: Entry) -> None:
        Entry.objects.filter(pk=entry.pk).update(password=unicodedata.normalize("NFD", "clé مَرحبا"))
        assert shows_content(send(entry, f" {unicodedata.normalize('NFC', 'clé مَرحبا')}\n"))

    def test_the_unlocked_page_shows_all_pages_of_the_text(self, entry: Entry) -> None:
        Entry.objects.filter(pk=entry.pk).update(body_html=f"<p>First</p>{PAGE_BREAK}<p>Second</p>")
        content = send(entry).content.decode()
        assert "First" in content
        assert "Second" in content
        assert 'class="page-links"' not in content

    def test_a_form_from_before_the_password_was_removed_leads_to_the_entry(self, entry: Entry) -> None:
        Entry.objects.filter(pk=entry.pk).update(password="")
        response = send(entry)
        assert (response.status_code, response.headers["Location"]) == (302, entry.get_absolute_url())

    def test_the_password_of_a_hidden_entry_unlocks_nothing(self, entry: Entry) -> None:
        Entry.objects.filter(pk=entry.pk).update(status="private")
        assert send(entry).status_code == 404

    def test_a_cached_page_expires_when_a_password_is_set(
        self, client: Client, entry: Entry, django_capture_on_commit_callbacks: Any
    ) -> None:
        Entry.objects.filter(pk=entry.pk).update(password="")
        with django_capture_on_commit_callbacks(execute=True):
            Entry.objects.get(pk=entry.pk).save()
        before = client.get(entry.get_absolute_url())
        assert SECRET in before.content.decode()
        stored = Entry.objects.get(pk=entry.pk)
        stored.password = PASSWORD
        with django_capture_on_commit_callbacks(execute=True):
            stored.save()
        response = client.get(entry.get_absolute_url(), headers={"If-None-Match": before.headers["ETag"]})
        assert response.status_code == 200
        assert SECRET not in response.content.decode()

    @pytest.mark.parametrize("path", ["/feed/", "/feed/atom/", "/feed/json/"])
    def test_feeds_do_not_ask_for_the_password(self, client: Client, path: str) -> None:
        PostFactory(password=PASSWORD)
        feed = unescape(client.get(path).content.decode())
        assert "<form" not in feed
        assert "this is a protected post" in feed


class TestEditors:
    def test_the_preview_shows_the_content(self, client: Client, entry: Entry) -> None:
        client.force_login(UserFactory(role="Editor"))
        assert shows_content(client.get(entry.get_preview_url()))

    def test_the_form_shows_and_sets_the_password(self, client: Client) -> None:
        post = PostFactory(password=PASSWORD)
        client.force_login(UserFactory(role="Editor"))
        assert one(read(client.get(admin_url(post, "change"))), "#id_password").value == PASSWORD
        assert client.post(admin_url(post, "change"), form_data(post, password=" another ")).status_code == 302
        assert Post.objects.get().password == "another"

    def test_the_list_marks_it(self, client: Client) -> None:
        PostFactory(title="Guarded", password=PASSWORD)
        client.force_login(UserFactory(role="Editor"))
        content = client.get("/admin/blog/post/").content.decode()
        assert "Protected: Guarded" in content
        assert PASSWORD not in content


class TestThrottling:
    """Limits are for 10 minutes. Addresses are never stored (tests/comments/test_no_ip_addresses.py)."""

    @pytest.fixture(autouse=True)
    def stopped_clock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Keep a test within one period."""
        now = timezone.now()
        monkeypatch.setattr("django.utils.timezone.now", lambda: now)

    def guess(self, entry: Entry, count: int, address: str = "192.0.2.1") -> list[int]:
        return [send(entry, "wrong", REMOTE_ADDR=address).status_code for _guess in range(count)]

    def test_a_sender_has_ten_guesses(self, entry: Entry) -> None:
        assert self.guess(entry, 11) == [403] * 10 + [429]
        response = send(entry, REMOTE_ADDR="192.0.2.1")
        assert response.status_code == 429
        assert not shows_content(response)
        assert response.headers["Retry-After"] == "600"
        assert response.headers["Cache-Control"] == "private, no-store"
        assert "Please try again in 10 minutes." in response.content.decode()

    def test_the_limit_ends(self, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
        self.guess(entry, 11)
        later = timezone.now() + dt.timedelta(seconds=passwords.PERIOD)
        monkeypatch.setattr("django.utils.timezone.now", lambda: later)
        assert shows_content(send(entry, REMOTE_ADDR="192.0.2.1"))

    def test_it_is_for_one_sender_and_one_entry(self, entry: Entry) -> None:
        other = PostFactory(source=SECRET, password=PASSWORD)
        self.guess(entry, 11)
        assert shows_content(send(other, REMOTE_ADDR="192.0.2.1"))
        assert shows_content(send(entry, REMOTE_ADDR="192.0.2.2"))

    def test_the_right_password_uses_up_no_guesses(self, entry: Entry) -> None:
        for _reader in range(15):
            assert shows_content(send(entry, REMOTE_ADDR="192.0.2.1"))
        assert self.guess(entry, 1) == [403]

    def test_many_senders_together_have_fewer_guesses_and_lock_no_one_out(self, entry: Entry) -> None:
        for sender in range(10):
            self.guess(entry, 10, f"192.0.2.{sender}")
        assert self.guess(entry, 3, "198.51.100.1") == [403, 403, 429]
        assert shows_content(send(entry, REMOTE_ADDR="198.51.100.2"))

    def test_one_sender_does_not_look_like_many(self, entry: Entry) -> None:
        self.guess(entry, 120)
        assert self.guess(entry, 3, "198.51.100.1") == [403, 403, 403]

    def test_a_failing_cache_locks_no_one_out(self, entry: Entry, settings: Any, tmp_path: Path) -> None:
        (tmp_path / "cache").write_text("Not a folder.")
        backend = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache", "LOCATION": tmp_path / "cache"}
        settings.CACHES = {
            "default": {"BACKEND": "core.cache.FailSafeCache", "LOCATION": "backend"},
            "backend": backend,
        }
        assert self.guess(entry, 12) == [403] * 12
        assert shows_content(send(entry, REMOTE_ADDR="192.0.2.1"))


class TestSecrecy:
    def test_the_password_is_not_logged_even_if_there_is_an_error(
        self, entry: Entry, caplog: pytest.LogCaptureFixture
    ) -> None:
        client = Client(raise_request_exception=False)
        with caplog.at_level(logging.DEBUG):
            send(entry, "my guess")
            send(entry)
            with patch("blog.passwords.constant_time_compare", side_effect=RuntimeError("broken")):
                assert send(entry, "my guess", client).status_code == 500
        assert "RuntimeError" in caplog.text
        assert "my guess" not in caplog.text
        assert PASSWORD not in caplog.text

    def test_a_token_is_for_one_entry_and_one_password(self, entry: Entry) -> None:
        token = passwords.token(entry)
        other = PostFactory(password=PASSWORD)
        assert passwords.unlock_with_token(entry, token)
        assert not passwords.unlock_with_token(other, token)
        entry.password = "another"
        assert not passwords.unlock_with_token(entry, token)
        assert entry.is_locked
        for forged in ("", "x", token[:-1], "é", "\x00"):
            assert not passwords.unlock_with_token(other, forged)

    def test_templates_use_only_properties_that_know_about_passwords(self) -> None:
        """A template that used the stored texts would show them without the password."""
        stored = re.compile(r"\.(?:lead_html|body_html|auto_excerpt|excerpt|source|featured_picture)\b")
        templates = Path(django_settings.BASE_DIR, "templates")
        public = [path for path in templates.rglob("*.*") if "admin" not in path.relative_to(templates).parts]
        assert len(public) > 30
        assert [path.name for path in public if stored.search(path.read_text())] == []
