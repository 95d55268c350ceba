"""Every response disables browser features that the site doesn't use, and only media can be embedded elsewhere."""

import pytest
from django.test import Client
from pytest_django import Settings

from media.pictures import store_picture
from tests.factories import PostFactory, UserFactory
from tests.factories.files import picture_file
from tests.factories.responses import fetch

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/", "same-origin"),
        ("/feed/", "same-origin"),
        ("/nothing/", "same-origin"),
        ("/admin/login/", "same-origin"),
        ("/admin/", "same-origin"),
        ("/static/css/site.css", "same-origin"),
        ("media", "cross-origin"),
    ],
)
def test_only_media_can_be_embedded_by_other_sites(client: Client, path: str, policy: str) -> None:
    PostFactory()
    response = fetch(client, store_picture(picture_file()).file.url if path == "media" else path)
    assert response["Cross-Origin-Resource-Policy"] == policy
    permissions = response["Permissions-Policy"].split(", ")
    assert {"camera=()", "geolocation=()", "microphone=()", "payment=()", "usb=()"} <= set(permissions)
    # Players get these permissions from the page that embeds them.
    assert not any(permission.startswith(("autoplay", "fullscreen")) for permission in permissions)


def test_unchanged_media_keep_their_policies(client: Client) -> None:
    url = store_picture(picture_file()).file.url
    before = fetch(client, url)
    response = client.get(url, headers={"If-None-Match": before["ETag"]})
    assert response.status_code == 304
    for name in ("Cross-Origin-Resource-Policy", "Content-Security-Policy"):
        assert response[name] == before[name]
    assert response["Content-Security-Policy"].startswith("sandbox;")


@pytest.mark.parametrize("path", ["/", "/nothing/", "/admin/login/", "/static/css/site.css", "/static/js/players.js"])
def test_everything_but_media_has_the_content_security_policy_of_pages(client: Client, path: str) -> None:
    # A worker follows the policy of its script, and an icon that is opened on its own the policy of its file.
    policy = fetch(client, path)["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; ")
    assert policy == fetch(client, "/privacy/")["Content-Security-Policy"]


def test_error_pages_of_development_have_none_because_their_styles_are_inline(
    client: Client, settings: Settings
) -> None:
    settings.DEBUG = True
    response = client.get("/nothing/")
    assert "<style" in response.text
    assert "Content-Security-Policy" not in response.headers


def test_cached_pages_and_pages_for_staff_have_the_headers_too(client: Client) -> None:
    client.get("/")
    assert "camera=()" in client.get("/")["Permissions-Policy"]
    client.force_login(UserFactory(role="Editor"))
    assert "camera=()" in client.get("/admin/")["Permissions-Policy"]
