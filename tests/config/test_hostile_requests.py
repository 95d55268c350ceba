"""No request makes the server fail, whatever its URL or form contains.

Each page is requested with hostile values for every parameter that it reads, and with hostile segments in its path.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings
from django.contrib import admin
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from accounts import browsers
from comments.models import Comment
from core.admin import OneRowAdmin
from core.serving.handler import Request
from tests.factories import UserFactory
from tests.factories.admin import client_of
from tests.factories.permissions import undone
from tests.factories.whole_site import PUBLIC, admin_paths, make_blog, make_owner
from wordpress.legacy_urls.query_forms import QUERY_FORMS

pytestmark = pytest.mark.django_db

# Values that trip up databases, number and date parsers, encodings and regular expressions.
VALUES: Final = ["\0", "a\0b", "%00", "9" * 30, "-1", "²", "\ud800", "2019-13", "x" * 3_000]
SEGMENTS: Final = ["\0", "%00", "9" * 30, "²", "\ud800", "%", ".."]
# URLs besides those of public pages.
OTHERS: Final = [
    "/feed/",
    "/comments/feed/",
    "/tag/cooperation/feed/json/",
    "/2019/10/22/a-paper/feed/atom/",
    "/author/writer/feed/",
    "/language/ar/",
    "/tags/",
    "/tags/c/",
    "/search/paper/feed/",
    "/search/suggestions.json?q=co",
    "/oembed/?url=http%3A%2F%2Ftestserver%2F2019%2F10%2F22%2Fa-paper%2F",
    "/2019/10/22/a-paper/comment-page-1/",
    "/follow-by-email/",
    "/follow-by-email/tag/cooperation/",
    "/follow-by-email/confirm/x/",
    "/comments/own/x/",
    "/comments/decide/x/spam/",
    "/comments/challenge/",
    "/comments/webmention/",
    "/comments/900/",
    "/comments/on/post/1/",
    "/wp-content/uploads/2019/10/a-300x200.jpg",
    "/index.php/2019/10/",
    "/sitemap-posts.xml",
    "/wp-sitemap-posts-post-1.xml",
    "/icon-0-180.png",
    "/portrait-0123456789abcdef.webp",
    "/media/pictures/x.png",
]
FORM: Final = "application/x-www-form-urlencoded"
# oEmbed 1.0 requires 501 (Not Implemented) for other formats.
EXPECTED_ERRORS: Final = {501}


# Media types that Python's parser fails with, each in another way.
MALFORMED: Final = [
    "text/html; a*=no-such-encoding''b",
    "text/html; a*=undefined''b",
    f"text/html; a*{'9' * 5_000}=b",
    "x" * 20_000,
    # An encoding's name that is a NUL.
    "text/html; charset*=utf-8''%00",
    "multipart/form-data; boundary=x; charset=hex",
]


@pytest.fixture(autouse=True)
def _own_request_class(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the test client make requests as the server does."""
    monkeypatch.setattr("django.test.client.WSGIRequest", Request)


@contextmanager
def names_read() -> Iterator[set[str]]:
    """Collect the names of the parameters that are read from queries and forms."""
    names = set[str]()

    def recording(method: Any) -> Any:
        def note(fields: QueryDict, name: str, *args: Any, **options: Any) -> Any:
            names.add(name)
            return method(fields, name, *args, **options)

        return note

    with ExitStack() as stack:
        for name in ("get", "getlist", "__getitem__", "__contains__"):
            stack.enter_context(patch.object(QueryDict, name, recording(getattr(QueryDict, name))))
        yield names


def encoded(value: str) -> str:
    return quote(value.encode(errors="surrogatepass"), safe="")


def with_each_segment(path: str) -> Iterator[str]:
    """Yield paths with each segment before and after those of this path, and instead of them."""
    parts = urlsplit(path).path.strip("/").split("/")
    for at in range(len(parts) + 1):
        for segment in map(encoded, SEGMENTS):
            yield "/" + "/".join([*parts[:at], segment, *parts[at:]]) + "/"
            yield "/" + "/".join([*parts[:at], segment, *parts[at + 1 :]]) + "/"


class Attacker:
    """A client that sends requests and records those that fail."""

    def __init__(self, client: Client) -> None:
        self.client = client
        client.raise_request_exception = False
        self.failed: list[str] = []
        self.read_everywhere = self._names("GET", "/no/such/page/") | self._names("POST", "/no/such/page/")

    def open_with_each_value(self, path: str, methods: Sequence[str], values: Sequence[str]) -> None:
        """Send each value for each parameter that the page reads, in the query or in a form."""
        for method in methods:
            for name in sorted(self._names(method, path) - self.read_everywhere):
                for field in (f"{encoded(name)}={encoded(value)}" for value in values):
                    if method == "POST":
                        self.send(method, path, field)
                    else:
                        self.send(method, f"{path}{'&' if '?' in path else '?'}{field}")

    def send(self, method: str, path: str, body: str = "", content_type: str = FORM, **headers: str) -> None:
        try:
            with undone():
                response: Any = self.client.generic(method, path, body, content_type, headers=headers)
                if response.streaming:
                    response.getvalue()
        except Exception as error:  # noqa: BLE001 (a failing request, whatever fails)
            self.failed.append(f"{method} {path[:200]} {body[:200]}: {error!r}")
            return
        if response.status_code >= 500 and response.status_code not in EXPECTED_ERRORS:
            self.failed.append(f"{method} {path[:200]} {body[:200]}: {response.status_code}")

    def _names(self, method: str, path: str) -> set[str]:
        with names_read() as names:
            self.send(method, path)
        return names


def test_readers_never_see_a_server_error(client: Client) -> None:
    make_blog()
    attacker = Attacker(client)
    for name in sorted(QUERY_FORMS | attacker.read_everywhere):
        for value in VALUES:
            attacker.send("GET", f"/?{name}={encoded(value)}")
            attacker.send("GET", f"/?p=1&s=x&{name}={encoded(value)}")
    paths = [path.split("#")[0] for path in [*PUBLIC.values(), *OTHERS]]
    for path in paths:
        attacker.open_with_each_value(path, ["GET", "POST"], VALUES)
    # A third of them come from more than one path.
    for changed in dict.fromkeys(chain.from_iterable(map(with_each_segment, paths))):
        attacker.send("GET", changed)
    assert attacker.failed == []


def test_a_cookie_never_causes_a_server_error(client: Client) -> None:
    make_blog()
    attacker = Attacker(client)
    # In quotation marks, a backslash and three octal digits stand for any character.
    values = [
        r'"\000\000\000\000\000\000\000\000"',
        r'"\377\012\015\073\054\075\000\040"',
        "x" * 5_000,
        "a:b:c",
        "\xff" * 8,
        "",
    ]
    names = [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, browsers.COOKIE, "messages"]
    for path in ("/", "/admin/", "/admin/login/"):
        for cookie in (f"{name}={value}" for name in names for value in values):
            attacker.send("GET", path, cookie=cookie)
            attacker.send("POST", path, cookie=cookie)
    assert attacker.failed == []


def test_a_malformed_media_type_never_causes_a_server_error() -> None:
    make_blog()
    attacker = Attacker(client_of(make_owner()))
    for media_type in MALFORMED:
        for path in ("/", f"/comments/on/post/{Comment.objects.get(pk=900).entry_id}/"):
            attacker.send("GET", path, content_type=media_type)
            attacker.send("POST", path, "text=x", content_type=media_type)
        # These respond to scripts in JSON.
        for name in ("admin:comments_queue_changelist", "media_upload"):
            attacker.send("POST", reverse(name), "decide=x", accept=media_type)
    assert attacker.failed == []


@pytest.mark.long
def test_staff_never_see_a_server_error() -> None:
    make_blog()
    owner = make_owner()
    attacker = Attacker(client_of(owner))
    for path in dict.fromkeys(admin_paths(owner)):
        attacker.open_with_each_value(path, ["GET"], ["\0", "9" * 30, "²"])
        # Of all parameters, only this one made Django fail if it was empty.
        attacker.send("GET", f"{path}{'&' if '?' in path else '?'}_to_field=")
    assert attacker.failed == []


def test_an_action_with_an_invalid_id_does_not_fail() -> None:
    make_blog()
    client = client_of(make_owner())
    lists = [each for each in admin.site._registry.values() if not isinstance(each, OneRowAdmin)]
    assert len(lists) > 10
    for each in lists:
        path = reverse(f"admin:{each.opts.app_label}_{each.opts.model_name}_changelist")
        for selected in ("x", "\0", "²", "1,2", "", "9" * 30):
            response = client.post(path, {"action": "delete_selected", "_selected_action": selected})
            assert response.status_code < 500, (path, selected)


def test_a_list_with_an_unknown_parameter_does_not_fail() -> None:
    client = client_of(UserFactory(is_staff=True, is_superuser=True))
    for path in ("/admin/accounts/user/", "/admin/auth/group/"):
        assert client.get(path, {"x": "1"}, follow=True).status_code == 200
        # Django takes this for a damaged database, because it has added the first parameter to remove the other.
        assert client.get(path, {"e": "1", "x": "1"}).status_code == 200


def test_a_list_with_a_condition_that_makes_no_sense_does_not_fail() -> None:
    make_blog()
    attacker = Attacker(client_of(make_owner()))
    for path, field in (
        ("/admin/comments/comment/", "created_at"),
        ("/admin/comments/decision/", "made_at"),
        ("/admin/accounts/auditrecord/", "at"),
    ):
        for year in ("0000", "0001", "9999", "9" * 20, "x"):
            attacker.send("GET", f"{path}?{field}__year={year}")
            attacker.send("GET", f"{path}?{field}__year={year}&{field}__month=12&{field}__day=31")
        for time in ("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "10000-01-01"):
            attacker.send("GET", f"{path}?{field}__gte={time}")
        attacker.send("GET", f"{path}?id__in={'9' * 30}")
    attacker.send("GET", "/admin/comments/comment/?reasons__contains=x")
    attacker.send("GET", f"/admin/comments/comment/?text__contains={'x' * 60_000}")
    assert attacker.failed == []


def test_no_list_can_be_searched_for_a_regular_expression() -> None:
    client = client_of(UserFactory(role="Moderator"))
    for lookup in ("text__regex", "text__iregex", "id__regex"):
        for expression in ("(((", "(a+)+$"):
            assert client.get("/admin/comments/comment/", {lookup: expression}).status_code == 400


def test_no_list_compares_with_thousands_of_values() -> None:
    client = client_of(UserFactory(role="Moderator"))
    path = "/admin/comments/comment/"
    few, many = (",".join(map(str, range(count))) for count in (50, 5000))
    assert client.get(path, {"pk__in": few}).status_code == 200
    for lookup, value in (("pk__in", many), ("id__in", many), ("pk__in", many.split(",")), ("name__contains", many)):
        assert client.get(path, {lookup: value})["Location"] == f"{path}?e=1"


def test_an_invalid_id_in_a_choice_field_is_a_form_error() -> None:
    client = client_of(UserFactory(is_staff=True, is_superuser=True))
    for path, field in (("/admin/auth/group/add/", "granted"), ("/admin/blog/post/add/", "categories")):
        for chosen in ("x", "\0", "²", "1,2", "0", "9" * 30):
            response = client.post(path, {field: ["1", chosen]})
            assert field in response.context["adminform"].errors, (path, chosen)
