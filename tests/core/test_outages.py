"""While the site can't read or store anything, users get a page that says so and returns what they sent."""

import datetime as dt
import errno
import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.sessions.backends.base import UpdateError
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InterfaceError, InternalError, OperationalError, ProgrammingError, connection
from django.test import Client, RequestFactory
from django.utils import timezone, translation
from lxml import html

from accounts.models import Session, User
from blog.models import Post
from config.logs import OutageFilter
from core.outages import OutageError, is_outage
from core.sent_forms import sent_context
from media.models import Picture
from media.unnamed_files import UnstoredFile
from tests.factories import PostFactory, UserFactory
from tests.factories.admin import form_data
from tests.factories.files import picture
from tests.factories.responses import find, one, read, text

# Several lines, with everything that a text area might change.
SOURCE = "\nA text with <tags> & “signs”,\n\n\tindented, which took a whole day to write, and must not be lost.\n"


@contextmanager
def failing(fails: Callable[[str], bool]) -> Iterator[None]:
    """Make matching statements fail as if the database were full, read-only or unreachable."""

    def execute(run: Any, sql: str, *rest: Any) -> Any:
        if fails(sql):
            raise OperationalError("no such luck")
        return run(sql, *rest)

    with connection.execute_wrapper(execute):
        yield


def is_write(sql: str) -> bool:
    return sql.lstrip().startswith(("INSERT", "UPDATE", "DELETE"))


def is_any(sql: str) -> bool:
    return True


def client_of(role: str = "Editor") -> Client:
    client = Client(raise_request_exception=False)
    if role:
        client.force_login(UserFactory(role=role))
    return client


def values_of(form: html.HtmlElement) -> dict[str, list[str]]:
    """Return what a browser sends for a form."""
    fields: dict[str, list[str]] = {}
    for field in [*find(form, "input"), *find(form, "textarea")]:
        # The parser drops the first line break of a text area as browsers do.
        value = field.get("value", "") if field.tag == "input" else (field.text or "").removeprefix("\n")
        fields.setdefault(field.get("name"), []).append(value.replace("\r\n", "\n").replace("\n", "\r\n"))
    return fields


def sent_post(**further: Any) -> dict[str, Any]:
    texts: dict[str, Any] = {"title": "The title of a post", "source": SOURCE, "tags": "one, two"}
    return form_data(**texts, **further, author=User.objects.get().pk, _step="publish")


def cause(error: Exception, reason: BaseException) -> Exception:
    error.__cause__ = reason
    return error


def sqlite_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("message")
    error.sqlite_errorcode = code
    return error


def server_error(state: str) -> Exception:
    error = Exception("message")
    error.sqlstate = state  # type: ignore[attr-defined]  # psycopg's errors have it
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OperationalError("the server closed the connection"), True),
        (cause(OperationalError(), sqlite_error(sqlite3.SQLITE_FULL)), True),
        (cause(OperationalError(), sqlite_error(sqlite3.SQLITE_READONLY)), True),
        (cause(OperationalError(), sqlite_error(sqlite3.SQLITE_ERROR)), False),
        (cause(InternalError(), server_error("25006")), True),
        (cause(InternalError(), server_error("XX000")), False),
        (InterfaceError("the connection is closed"), True),
        (ProgrammingError(), False),
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EROFS, "Read-only file system"), True),
        (FileNotFoundError(errno.ENOENT, "No such file"), False),
        (OutageError(), True),
        (ConnectionRefusedError(), True),
        (ValidationError("wrong"), False),
        (None, False),
    ],
)
def test_outages_are_told_apart_from_other_errors(error: Exception | None, expected: bool) -> None:
    assert is_outage(error) is expected


@pytest.mark.django_db
class TestWriting:
    def test_the_admin_returns_a_post_that_can_be_sent_again(self) -> None:
        client = client_of()
        with failing(is_write):
            response = client.post("/admin/blog/post/add/", sent_post())
        assert response.status_code == 503
        assert response["Retry-After"] == "300"
        assert response["Cache-Control"] == "private, no-store"
        page = read(response)
        assert text(one(page, "h1")) == "This can't be done at the moment"
        assert find(page, "#navigation a")
        form = one(page, "form.sent")
        assert [text(label) for label in find(form, "label")] == ["Title", "Text", "Tags"]
        assert not Post.objects.exists()
        response = client.post(form.get("action"), values_of(form))
        assert response.status_code == 302
        post = Post.objects.get()
        assert (post.title, post.status) == ("The title of a post", "published")
        assert post.source == SOURCE
        assert sorted(str(tag) for tag in post.tags.all()) == ["one", "two"]

    def test_without_a_database_the_post_is_returned_on_a_plain_page(self) -> None:
        client, data = client_of(), sent_post()
        with failing(is_any):
            response = client.post("/admin/blog/post/add/?_changelist_filters=x%3D1", data)
        assert response.status_code == 503
        page = read(response)
        assert not find(page, "#navigation")
        form = one(page, "form.sent")
        assert form.get("action") == "/admin/blog/post/add/?_changelist_filters=x%3D1"
        assert values_of(form)["source"] == [SOURCE.replace("\n", "\r\n")]

    def test_passwords_are_not_shown_and_must_be_entered_again(self) -> None:
        client = client_of()
        with failing(is_write):
            response = client.post("/admin/blog/post/add/", sent_post(password="The secret of a post"))
        assert "The secret of a post" not in response.content.decode()
        field = one(read(response), "form.sent [name=password]")
        # Without it, the post would be published without a password.
        assert "required" in field.attrib

    def test_files_have_to_be_chosen_again(self) -> None:
        file = SimpleUploadedFile("harbour.png", picture(), "image/png")
        client = client_of()
        with failing(is_write):
            response = client.post("/admin/media/picture/add/", {"file": file, "alt": "A ship in the harbour"})
        assert response.status_code == 503
        form = one(read(response), "form.sent")
        assert form.get("enctype") == "multipart/form-data"
        assert "harbour.png" in text(form)
        assert "required" in one(form, "[name=file]").attrib
        assert values_of(form)["alt"] == ["A ship in the harbour"]
        assert not Picture.objects.exists()

    def test_an_upload_that_does_not_fit_on_the_disk_keeps_the_other_fields(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*args: Any) -> Any:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("media.unnamed_files._open_on_disk", full)
        file = SimpleUploadedFile("harbour.png", b"x" * 3_000_000, "image/png")
        response = client_of().post("/admin/media/picture/add/", {"file": file, "alt": "A ship in the harbour"})
        assert response.status_code == 503
        assert values_of(one(read(response), "form.sent"))["alt"] == ["A ship in the harbour"]

    @pytest.mark.parametrize(
        ("url", "field", "name"),
        [
            ("/admin/markdownx/upload/", "image", "harbour.png"),
            ("/admin/media/upload/", "files", "harbour.png"),
            ("/admin/media/upload/", "files", "harbour.pdf"),
        ],
    )
    def test_scripts_are_told_that_an_upload_does_not_fit_on_the_disk(
        self, monkeypatch: pytest.MonkeyPatch, url: str, field: str, name: str
    ) -> None:
        def full(*args: Any) -> Any:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("media.unnamed_files._open_on_disk", full)
        file = SimpleUploadedFile(name, b"x" * 3_000_000)
        response = client_of().post(url, {field: file}, headers={"accept": "application/json"})
        assert "could not be stored" in response.json()["error"]

    def test_scripts_get_the_message_as_json(self) -> None:
        client = client_of()
        with failing(is_write):
            response = client.post("/admin/blog/post/add/", sent_post(), headers={"accept": "application/json"})
        assert response.status_code == 503
        assert "can't save anything" in response.json()["error"]

    def test_an_internal_error_returns_the_text_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(*args: Any, **kwargs: Any) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr("blog.publishing.save_entry", broken)
        monkeypatch.setattr(Post, "full_clean", broken)
        client = client_of()
        response = client.post("/admin/blog/post/add/", sent_post())
        assert response.status_code == 500
        assert response["Cache-Control"] == "private, no-store"
        assert values_of(one(read(response), "form.sent"))["source"] == [SOURCE.replace("\n", "\r\n")]


class TestReturnedForm:
    def test_omits_what_another_site_sent(self) -> None:
        request = RequestFactory().post("/", {"text": "Some words"}, headers={"sec-fetch-site": "cross-site"})
        assert sent_context(request)["sent"] == []

    def test_contains_the_csrf_token_that_was_sent_and_no_new_one(self) -> None:
        request = RequestFactory().post("/", {"csrfmiddlewaretoken": "forged"})
        assert [(field.name, field.value, field.kind) for field in sent_context(request)["sent"]] == [
            ("csrfmiddlewaretoken", "forged", "hidden")
        ]

    def test_shows_no_versions_of_forms(self) -> None:
        versions = {"version": '{"title": "As it was"}', "aliases-version": '{"1": "As it was"}'}
        request = RequestFactory().post("/", {**versions, "conversion": "Typed words"})
        kinds = {field.name: field.kind for field in sent_context(request)["sent"]}
        assert kinds == {"version": "hidden", "aliases-version": "hidden", "conversion": "text"}

    def test_shows_nothing_that_a_script_calculated(self) -> None:
        proof = "eyJhbGdvcml0aG0iOiJQ" * 20
        sent = {"altcha": proof, "website": f"https://example.org/{'a' * 60}", "text": "漢" * 70}
        kinds = {field.name: field.kind for field in sent_context(RequestFactory().post("/", sent))["sent"]}
        assert kinds == {"altcha": "hidden", "website": "text", "text": "text"}

    def test_fields_of_rows_are_labelled_with_what_they_are(self) -> None:
        sent = {"edit-30": "The text of a comment", "form-0-title": "A title", "100": "Two words"}
        with translation.override("fr"):
            labels = [field.label for field in sent_context(RequestFactory().post("/", sent))["sent"]]
        assert labels == ["Modifier", "Titre", "100"]

    def test_omits_a_body_that_is_not_a_form(self) -> None:
        request = RequestFactory().post("/", b'{"fields": 1}', content_type="application/json")
        assert sent_context(request)["sent"] == []

    def test_omits_a_body_that_cannot_be_parsed(self) -> None:
        request = RequestFactory().post("/", b"x", content_type="multipart/form-data; boundary=")
        assert sent_context(request)["sent"] == []

    def test_a_path_that_looks_like_a_host_stays_a_path(self) -> None:
        request = RequestFactory().post("/", {"text": "x"})
        request.path = "//evil.example/"
        assert sent_context(request)["sent_to"] == "/%2Fevil.example/"

    def test_a_file_that_could_not_be_stored_has_a_name_and_nothing_else(self) -> None:
        file = UnstoredFile("a.png", OSError(errno.ENOSPC, "No space left on device"))
        assert file.name == "a.png"
        for access in (lambda: file.size, file.read, lambda: len(file), lambda: file.seek(0)):
            with pytest.raises(OutageError, match="No space left"):
                access()


@pytest.mark.django_db
class TestReading:
    def test_a_page_reports_that_it_cannot_be_shown(self) -> None:
        path = PostFactory().get_absolute_url()
        with failing(is_any):
            response = client_of("").get(path)
        assert response.status_code == 503
        assert response["Retry-After"] == "300"
        assert response["Cache-Control"] == "private, no-store"
        page = read(response)
        assert text(one(page, "h1")) == "This page can't be shown at the moment"
        assert not find(page, "form")
        assert client_of("").get(path).status_code == 200

    def test_logged_in_users_can_read_while_nothing_can_be_written(self) -> None:
        client = client_of()
        # Long enough ago that the request would update the time the session was last used.
        Session.objects.update(last_used_at=timezone.now() - dt.timedelta(minutes=10))
        with failing(is_write):
            assert client.get("/admin/blog/post/").status_code == 200


@pytest.mark.django_db
def test_a_session_that_cannot_be_stored_is_not_taken_for_one_that_was_ended_elsewhere() -> None:
    client = client_of()
    session: Any = client.session
    session["something"] = "new"
    with failing(is_write), pytest.raises(OperationalError, match="no such luck"):
        session.save()
    Session.objects.all().delete()
    with pytest.raises(UpdateError):
        session.save()


class TestLog:
    @staticmethod
    def record(error: Exception) -> logging.LogRecord:
        exc_info = (type(error), error, None)
        return logging.LogRecord("django.request", logging.ERROR, "x.py", 1, "%s: %s", ("Gone", "/x/"), exc_info)

    def test_an_outage_is_logged_on_one_line_and_as_an_error_once_a_minute(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        now = 0.0
        monkeypatch.setattr("config.logs.time.monotonic", lambda: now)
        outages = OutageFilter()
        levels = []
        for now in (0.0, 1.0, 59.0, 61.0):  # noqa: B007  # read by the clock
            line = outages.filter(self.record(OperationalError("away")))
            levels.append(line.levelname)
            assert line.exc_info is None
            assert line.getMessage() == "Gone: /x/. away"
        assert levels == ["ERROR", "WARNING", "WARNING", "ERROR"]

    def test_an_internal_error_keeps_its_traceback(self) -> None:
        record = self.record(ZeroDivisionError())
        assert OutageFilter().filter(record) is record
        assert record.exc_info
