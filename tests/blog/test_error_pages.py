"""Error pages have the site's design and reveal nothing."""

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from blog.models import Category
from core.models import SiteSettings
from tests.factories import CategoryFactory, PostFactory
from tests.factories.responses import find, read, text


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("an internal secret")


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("an internal secret")


def suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("an internal secret")


urlpatterns = [
    path("broken/", broken),
    path("forbidden/", forbidden),
    path("suspicious/", suspicious),
    path("", include("config.urls")),
]
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"


@pytest.fixture
def reader() -> Client:
    """A client that returns the error page instead of raising the error."""
    return Client(raise_request_exception=False)


@pytest.mark.urls(__name__)
class TestErrorPages:
    @pytest.mark.django_db
    @pytest.mark.parametrize(("name", "status"), [("broken", 500), ("forbidden", 403), ("suspicious", 400)])
    def test_reveal_nothing_internal(self, reader: Client, name: str, status: int) -> None:
        response = reader.get(f"/{name}/")
        page = response.content.decode()
        assert response.status_code == status
        assert "<h1" in page
        assert 'lang="en"' in page
        assert "secret" not in page

    @pytest.mark.database
    def test_need_no_database(self, reader: Client) -> None:
        """A test without the django_db mark fails on any query."""
        response = reader.get("/")
        assert response.status_code == 500
        assert "<h1" in response.content.decode()


@pytest.mark.django_db
def test_the_page_for_an_unknown_url_links_to_the_front_page(client: Client) -> None:
    SiteSettings.objects.update(title="The Lantern")
    page = client.get("/nothing/here/").content.decode()
    assert 'href="/"' in page
    assert "The Lantern" in page


@pytest.mark.django_db
def test_the_page_for_an_unknown_url_links_to_the_ten_largest_categories(client: Client) -> None:
    names = [f"Category {number}" for number in range(11)]
    for name in names:
        PostFactory(categories=[CategoryFactory(name=name)])
    PostFactory(categories=[Category.objects.get(name=names[-1])])
    links = [text(link) for link in find(read(client.get("/nothing/here/")), "main li a")]
    assert links[1] == names[-1]
    assert len(links) == 1 + 10 + 1
    assert links[-1] == "Archive"


@pytest.mark.django_db
def test_urls_that_readers_requested_in_vain_are_not_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """They may reveal what readers were looking for."""
    assert client.get("/a-name/").status_code == 404
    assert "a-name" not in caplog.text
