"""Large request bodies from strangers are refused unread, while staff can upload files and lose no forms."""

from typing import Any

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from accounts import browsers
from accounts.large_bodies import LargeBodiesMiddleware
from accounts.models import RolePolicy, Session, User
from accounts.roles import OWNER
from core.serving.rsgi import MEMORY_BYTES
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db

URL = "/admin/wordpress/importjob/add/"
LARGE = {"CONTENT_LENGTH": str(MEMORY_BYTES + 1)}


class Unread:
    """A body that fails the test if anything reads it."""

    def read(self, size: int = -1) -> bytes:
        raise AssertionError("The body was read.")

    readline = read


@pytest.fixture
def owner() -> User:
    user: User = UserFactory(is_superuser=True, is_staff=True, username="owner", password="a-long-enough-password-7")
    return user


def post(client: Client, **environ: Any) -> Any:
    return client.post(URL, **{"wsgi.input": Unread(), "CONTENT_TYPE": "multipart/form-data; boundary=x", **environ})


@pytest.mark.parametrize(
    "large", [LARGE, {"CONTENT_LENGTH": "9" * 5000}, {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}]
)
@pytest.mark.parametrize("cookie", ["", "invented"])
def test_large_bodies_from_strangers_are_refused_unread(large: dict[str, str], cookie: str) -> None:
    client = Client(enforce_csrf_checks=True)
    if cookie:
        client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    response = post(client, **large)
    assert response.status_code == 413
    assert "logged in" in response.content.decode()


def passes(client: Client) -> bool:
    """Return whether the middleware passes on a large request from this browser."""
    passed: list[HttpRequest] = []

    def get_response(request: HttpRequest) -> HttpResponse:
        passed.append(request)
        return HttpResponse()

    request = RequestFactory().post(URL)
    request.META |= LARGE
    request.COOKIES |= {name: cookie.value for name, cookie in client.cookies.items()}
    request.session = client.session
    LargeBodiesMiddleware(get_response)(request)
    return bool(passed)


def test_large_bodies_from_staff_are_accepted_even_after_their_sessions_have_ended(owner: User) -> None:
    client = Client()
    assert not passes(client)
    client.post("/admin/login/", {"username": "owner", "password": "a-long-enough-password-7"})
    assert passes(client)
    Session.objects.filter(user__isnull=False).delete()
    assert passes(client)


def test_the_web_server_in_front_learns_who_sends_one(owner: User) -> None:
    def ask() -> tuple[int, str]:
        response = client.get("/admin/account/may-send/")
        return response.status_code, response["X-Sender"]

    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = client.cookies[browsers.COOKIE] = "invented"
    assert ask() == (403, "")
    # Even while they still have to add a second factor.
    RolePolicy.objects.create(role=OWNER, needs_second_factor=True)
    client.post("/admin/login/", {"username": "owner", "password": "a-long-enough-password-7"})
    assert ask() == (204, str(owner.pk))
    Session.objects.all().delete()
    assert ask() == (204, "logged-out")


def test_small_bodies_from_strangers_are_accepted(client: Client) -> None:
    assert client.post(URL, {"a": "b"}).status_code == 302
