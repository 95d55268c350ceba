"""Files that browsers, programs and security researchers look for at the same place on every site."""

import datetime as dt

import pytest
from django.contrib.staticfiles import finders
from django.core.exceptions import ImproperlyConfigured
from django.test import Client
from django.utils import timezone
from PIL import Image
from pytest_django import Settings

from config.validation import security_contacts
from core.models import SiteSettings
from tests.factories import PostFactory
from tests.factories.metadata import links

pytestmark = pytest.mark.django_db


def test_the_icon_is_found_where_old_programs_look(client: Client) -> None:
    response = client.get("/favicon.ico")
    assert response.status_code == 301
    assert response.headers["Location"] == "/static/icons/broadside-32.png"


class TestSpeculationRules:
    PATH = "/speculation-rules.json"

    def test_are_named_by_pages_and_by_nothing_else(self, client: Client) -> None:
        PostFactory()
        assert client.get("/").headers["Speculation-Rules"] == f'"{self.PATH}"'
        for path in ("/feed/", "/robots.txt", "/nothing/", "/favicon.ico", "/admin/login/"):
            assert "Speculation-Rules" not in client.get(path).headers
        assert "Speculation-Rules" not in client.get("/", headers={"cookie": "sessionid=x"}).headers

    def test_prefetch_nothing_for_readers_who_save_data(self, client: Client) -> None:
        response = client.get(self.PATH)
        assert response.headers["Content-Type"] == "application/speculationrules+json"
        assert [rule["eagerness"] for rule in response.json()["prefetch"]] == ["conservative"]
        assert client.get(self.PATH, headers={"save-data": "on"}).json() == {}
        assert "Save-Data" in response.headers["Vary"]


class TestManifest:
    PATH = "/manifest.webmanifest"

    def test_describes_the_site(self, client: Client, settings: Settings) -> None:
        SiteSettings.objects.update(title="A blog about lamps", tagline="Light & dark")
        response = client.get(self.PATH)
        assert response.headers["Content-Type"] == "application/manifest+json"
        described = response.json()
        assert described["name"] == "A blog about lamps"
        assert described["short_name"] == "A blog abou…"
        assert described["description"] == "Light & dark"
        assert (described["start_url"], described["lang"], described["dir"]) == ("/", "en", "ltr")
        settings.LANGUAGE_CODE = "ar"
        assert client.get(self.PATH).json()["dir"] == "rtl"

    def test_has_icons_of_these_sizes(self, client: Client) -> None:
        icons = client.get(self.PATH).json()["icons"]
        assert {icon["sizes"] for icon in icons} == {"any", "180x180", "192x192", "512x512"}
        for icon in icons:
            path = finders.find(icon["src"].removeprefix("/static/"))
            assert path
            if icon["type"] == "image/png":
                with Image.open(path) as image:
                    assert icon["sizes"] == f"{image.width}x{image.height}"

    def test_is_named_by_each_page(self, client: Client) -> None:
        assert ("manifest", "", self.PATH) in links(client, "/")


class TestSecurityTxt:
    PATH = "/.well-known/security.txt"

    def test_names_the_contacts_until_a_date(self, client: Client, settings: Settings) -> None:
        settings.BROADSIDE_SECURITY_CONTACTS = ["mailto:a@example.org", "https://example.org/report"]
        response = client.get(self.PATH)
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        fields = [line.split(": ", 1) for line in response.text.splitlines()]
        assert [value for name, value in fields if name == "Contact"] == settings.BROADSIDE_SECURITY_CONTACTS
        expires = dt.datetime.fromisoformat(dict(fields)["Expires"])
        assert dt.timedelta(days=100) < expires - timezone.now() < dt.timedelta(days=365)
        assert dict(fields)["Canonical"] == f"http://testserver{self.PATH}"

    def test_is_missing_without_a_contact(self, client: Client) -> None:
        assert client.get(self.PATH).status_code == 404

    def test_takes_e_mail_addresses_and_urls(self) -> None:
        assert security_contacts([" a@example.org", "", "https://example.org/x", "tel:+31-20-1234567"]) == [
            "mailto:a@example.org",
            "https://example.org/x",
            "tel:+31-20-1234567",
        ]

    @pytest.mark.parametrize("contact", ["nobody", "http://example.org", "https://x\nExpires: never", "javascript:x"])
    def test_refuses_everything_else(self, contact: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="SECURITY_CONTACT"):
            security_contacts([contact])
