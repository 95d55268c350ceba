"""When something is wrong, readers see a page of the site and no more."""

import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from blog.models import SiteSettings


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret of the inside")


def forbidden(request: HttpRequest) -> HttpResponse:
    raise PermissionDenied("a secret of the inside")


def suspicious(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("a secret of the inside")


urlpatterns = [
    path("broken/", broken),
    path("forbidden/", forbidden),
    path("suspicious/", suspicious),
    path("", include("config.urls")),
]
handler404 = "blog.views.not_found"


@pytest.fixture
def reader() -> Client:
    """Gets the page of an error where other clients get the error."""
    return Client(raise_request_exception=False)


@pytest.mark.urls(__name__)
class TestErrors:
    @pytest.mark.django_db
    @pytest.mark.parametrize(("name", "status"), [("broken", 500), ("forbidden", 403), ("suspicious", 400)])
    def test_have_a_page_that_tells_nothing_of_the_inside(self, reader: Client, name: str, status: int) -> None:
        response = reader.get(f"/{name}/")
        page = response.content.decode()
        assert response.status_code == status
        assert "<h1" in page
        assert 'lang="en"' in page
        assert "secret" not in page

    def test_have_one_even_when_the_database_is_gone(self, reader: Client) -> None:
        """Without the mark that opens it, the database refuses every query of a test."""
        response = reader.get("/")
        assert response.status_code == 500
        assert "<h1" in response.content.decode()


@pytest.mark.django_db
def test_unknown_address_keeps_the_way_out(client: Client) -> None:
    SiteSettings.objects.update(title="The Lantern")
    page = client.get("/nothing/here/").content.decode()
    assert 'href="/"' in page
    assert "The Lantern" in page
