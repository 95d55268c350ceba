"""Error pages in the admin keep its navigation, but don't show it to visitors without access to the admin."""

import pytest
from django.db import connection, transaction
from django.test import Client

from blog.models import Post
from tests.factories import PostFactory, UserFactory
from tests.factories.responses import find, read, text

pytestmark = pytest.mark.django_db

MISSING = "/admin/no/such/page/"
FORBIDDEN = "/admin/blog/post/calendar/"


def client_of(role: str, *, enforce_csrf_checks: bool = False) -> Client:
    client = Client(enforce_csrf_checks=enforce_csrf_checks)
    client.force_login(UserFactory(role=role))
    return client


@pytest.mark.parametrize(
    ("role", "path", "status", "title"),
    [("Editor", MISSING, 404, "Not found"), ("Moderator", FORBIDDEN, 403, "You don't have access")],
)
def test_staff_stay_in_the_admin(role: str, path: str, status: int, title: str) -> None:
    response = client_of(role).get(path)
    page = read(response)
    assert response.status_code == status
    assert [text(heading) for heading in find(page, "h1")] == [title]
    assert find(page, "#navigation a")
    assert [text(link) for link in find(page, "#content a")] == ["Go to the dashboard"]


@pytest.mark.parametrize("query", ["state=%00", "state=draft%00", "q=%00", "date=2019%00", "%00=1"])
def test_a_nul_in_the_query_is_answered_with_404(query: str) -> None:
    PostFactory()
    response = client_of("Editor").get(f"/admin/blog/post/?{query}")
    assert response.status_code == 404
    assert find(read(response), "#navigation a")


@pytest.mark.parametrize("query", ["", "?q=word"])
def test_a_list_whose_table_is_missing_is_an_error(query: str) -> None:
    client = client_of("Editor")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tags_tag RENAME TO elsewhere")
    with transaction.atomic():  # PostgreSQL allows nothing else after an error.
        client.raise_request_exception = False
        response = client.get(f"/admin/tags/tag/{query}", follow=True)
        transaction.set_rollback(True)
    assert response.status_code == 500
    assert [text(heading) for heading in find(read(response), "h1")] == ["Something went wrong"]


def test_an_expired_csrf_token_is_explained_and_changes_nothing() -> None:
    post = PostFactory(title="Before")
    response = client_of("Editor", enforce_csrf_checks=True).post(
        "/admin/blog/post/", {"action": "move_to_trash", "_selected_action": post.pk}
    )
    assert response.status_code == 403
    assert "reload the page and submit it again" in response.content.decode()
    assert find(read(response), "#navigation a")
    assert Post.objects.get().status == post.status


def test_what_was_typed_can_be_copied_after_the_cookies_were_deleted() -> None:
    sent = {"title": "A long <b>title", "password": "secret words", "csrfmiddlewaretoken": "x" * 64, "slug": "a"}
    strict = Client(enforce_csrf_checks=True)
    here = {"sec-fetch-site": "same-origin"}
    response = strict.post("/admin/blog/post/add/", sent, headers=here)
    assert (response.status_code, "no-store" in response.headers["Cache-Control"]) == (403, True)
    page = read(response)
    # Nothing that could be sent again: not the token, and no password.
    assert [(field.get("name"), text(field)) for field in find(page, ".sent textarea")] == [
        ("title", "A long <b>title")
    ]
    assert not [*find(page, ".sent input"), *find(page, ".sent button")]
    assert "secret words" not in response.text
    # Other sites' forms come without cookies too, so the browser has to say that it was ours.
    for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "none"}, {"origin": "null"}, {}):
        foreign = strict.post("/admin/blog/post/add/", sent, headers=headers)
        assert (foreign.status_code, find(read(foreign), ".sent")) == (403, [])
    # With a session, late_forms decides what may be shown.
    strict.cookies["sessionid"] = "ended"
    assert not find(read(strict.post("/admin/blog/post/add/", sent, headers=here)), ".sent")


@pytest.mark.parametrize("path", [MISSING, FORBIDDEN, "/no-such-page/"])
def test_readers_never_see_the_admin_navigation(client: Client, path: str) -> None:
    assert not find(read(client.get(path, follow=True)), "#navigation")


def test_outside_the_admin_editors_get_the_public_error_page() -> None:
    assert not find(read(client_of("Editor").get("/no-such-page/")), "#navigation")


@pytest.mark.parametrize(
    "path",
    [
        "/comments/confirm/17:cut",
        "/comments/decide/17.cut",
        "/comments/decide/17.cut/approve/",
        "/comments/decide/17.cut/approve/)/",
        "/comments/unsubscribe/",
        "/follow-by-email/confirm/17:cut/",
        "/follow-by-email/manage/17:cut/saved/",
        "/follow-by-email/unsubscribe/17:cut/>",
        "/admin/review/unsubscribe/",
        "/admin/review/unsubscribe/17:cut/",
    ],
)
def test_a_damaged_link_from_an_email_says_what_to_do(client: Client, path: str) -> None:
    response = client.get(path, follow=True)
    assert response.status_code == 404
    assert response["Cache-Control"] == "private, no-store"
    assert text(find(read(response), "h1")[0]) == "This link doesn't work"
    assert "Click the link in the e-mail again" in response.content.decode()
