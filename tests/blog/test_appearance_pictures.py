"""The logo, the header picture and the icon of the site, from its media library."""

import io
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser, Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from lxml import html
from PIL import Image

from accounts.models import User
from blog.appearance import versions
from blog.appearance.documents import AppearanceForm, default_document, read
from blog.models import SiteAppearance
from core.models import SiteSettings
from media import trash
from media.models import Picture
from media.pictures import store_picture
from media.uses import uses_of
from tests.factories import PostFactory, UserFactory
from tests.factories.admin import client_of

pytestmark = pytest.mark.django_db

type Publish = Callable[..., int]


def tree_of(page: Any) -> Any:
    return html.document_fromstring(page)


ICON_LINK = re.compile(r'<link rel="(icon|apple-touch-icon)" href="([^"]+)"')


def a_picture(width: int, height: int, alt: str = "") -> Picture:
    written = io.BytesIO()
    Image.new("RGBA", (width, height), (200, 30, 30, 128)).save(written, "PNG")
    return store_picture(SimpleUploadedFile("made.png", written.getvalue(), "image/png"), alt=alt)


def get(path: str = "/") -> str:
    return Client().get(path).content.decode()


def errors_of(**values: object) -> dict[str, list[str]]:
    form = AppearanceForm({**default_document(), **values})
    return {name: [str(each) for each in errors] for name, errors in form.errors.items()}


class TestChoosing:
    """With JavaScript, in the dialog of the media library (tests/browser/test_appearance.py)."""

    URL = "/admin/blog/siteappearance/1/change/"

    def field(self, client: Client, name: str) -> Any:
        (select,) = tree_of(client.get(self.URL).content.decode()).xpath(f'//select[@name="{name}"]')
        return select.getparent()

    def test_shows_the_chosen_images(self, publish_appearance: Publish) -> None:
        logo = a_picture(400, 80, alt="A lamp")
        publish_appearance(logo=logo.pk)
        client = client_of(UserFactory(is_staff=True, is_superuser=True))
        (image,) = self.field(client, "logo").xpath("figure[not(@hidden)]/img")
        assert image.get("src") == logo.thumbnail_url
        assert image.get("alt") == "A lamp"
        assert "(400 × 80)" in self.field(client, "logo").text_content()
        assert self.field(client, "header").xpath("figure[@hidden]") != []
        assert self.field(client, "header").xpath(".//img") == []

    def test_is_possible_without_scripts(self, publish_appearance: Publish) -> None:
        logo = a_picture(400, 80)
        client = client_of(UserFactory(is_staff=True, is_superuser=True))
        assert str(logo.pk) in self.field(client, "logo").xpath("select/option/@value")

    def test_in_the_library_is_only_for_users_who_may_open_it(self) -> None:
        owner = UserFactory(is_staff=True, is_superuser=True)
        assert tree_of(client_of(owner).get(self.URL).content).xpath(
            '//*[@class="picture-library"][@data-may-upload=1]'
        )
        other = UserFactory(is_staff=True)
        other.user_permissions.add(Permission.objects.get(codename="change_siteappearance"))
        page = client_of(other).get(self.URL)
        assert page.status_code == 200
        assert tree_of(page.content).xpath('//*[@class="picture-library"]') == []


class TestTheLogo:
    def test_takes_the_place_of_the_title(self, publish_appearance: Publish) -> None:
        SiteSettings.objects.update(title="A <lamp>")
        post = PostFactory()
        publish_appearance(logo=a_picture(1600, 400).pk)
        for path, heading in (("/", "h1"), (post.get_absolute_url(), "p")):
            tree = tree_of(get(path))
            (image,) = tree.xpath(f'//{heading}[@class="site-title"]/a[@rel="home"]//img')
            assert image.get("alt") == "A <lamp>"
            assert (image.get("width"), image.get("height")) == ("320", "80")
            assert image.get("loading") is None

    @pytest.mark.parametrize(
        ("size", "shown"), [((100, 50), ("100", "50")), ((4000, 400), ("400", "40")), ((100, 4000), ("2", "80"))]
    )
    def test_has_the_size_at_which_it_is_shown(
        self, size: tuple[int, int], shown: tuple[str, str], publish_appearance: Publish
    ) -> None:
        publish_appearance(logo=a_picture(*size).pk)
        (image,) = tree_of(get()).xpath("//header//img")
        assert (image.get("width"), image.get("height")) == shown


class TestTheHeaderPicture:
    def test_is_at_the_top_of_every_page(self, publish_appearance: Publish) -> None:
        post = PostFactory()
        publish_appearance(header=a_picture(1408, 400, alt="The harbour").pk)
        for path in ("/", post.get_absolute_url(), "/nothing/"):
            (image,) = tree_of(get(path)).xpath('//header/p[@class="header-picture"]//img')
            assert image.get("alt") == "The harbour"
            assert (image.get("width"), image.get("height")) == ("704", "200")


class TestTheIcon:
    def test_is_ours_by_default(self) -> None:
        assert all(url.startswith("/static/icons/") for _kind, url in ICON_LINK.findall(get()))
        assert Client().get("/favicon.ico").status_code == 301
        assert Client().get("/icon-1-1-32.png").status_code == 404

    def test_has_every_size_that_pages_and_the_manifest_name(self, publish_appearance: Publish) -> None:
        publish_appearance(icon=a_picture(600, 600).pk)
        links = ICON_LINK.findall(get())
        assert [kind for kind, _url in links] == ["icon", "apple-touch-icon"]
        named = {url: size for (_kind, url), size in zip(links, (32, 180), strict=True)}
        for icon in json.loads(get("/manifest.webmanifest"))["icons"]:
            named[icon["src"]] = int(icon["sizes"].partition("x")[0])
        assert set(named.values()) == {32, 180, 192, 512}
        for url, size in named.items():
            response = Client().get(url)
            assert response.headers["Content-Type"] == "image/png"
            assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"
            with Image.open(io.BytesIO(response.content)) as image:
                assert image.size == (size, size)
                # Phones show transparent areas in black.
                assert (image.mode == "RGB") == (size == 180)

    def test_is_where_old_programs_look_for_it(self, publish_appearance: Publish) -> None:
        publish_appearance(icon=a_picture(512, 512).pk)
        response = Client().get("/favicon.ico")
        assert response.headers["Content-Type"] == "image/x-icon"
        with Image.open(io.BytesIO(response.content)) as image:
            assert image.format == "ICO"
            assert image.info["sizes"] == {(16, 16), (32, 32), (48, 48)}

    def test_of_an_older_page_redirects_to_the_current_one(self, publish_appearance: Publish) -> None:
        publish_appearance(icon=a_picture(512, 512).pk)
        response = Client().get("/icon-1-1-32.png")
        assert response.status_code == 302
        assert Client().get(response.headers["Location"]).status_code == 200
        assert Client().get("/icon-1-1-33.png").status_code == 404

    def test_whose_file_is_missing_is_not_found(self, publish_appearance: Publish) -> None:
        picture = a_picture(512, 512)
        publish_appearance(icon=picture.pk)
        picture.file.storage.delete(str(picture.file.name))
        ((_kind, url), *_others) = ICON_LINK.findall(get())
        assert Client().get(url).status_code == 404
        assert Client().get("/favicon.ico").status_code == 301

    @pytest.mark.parametrize("size", [(511, 511), (600, 512)])
    def test_has_to_be_large_and_square(self, size: tuple[int, int]) -> None:
        text = "The site icon must be square, and at least 512 pixels wide. This image is {} × {}."
        assert errors_of(icon=a_picture(*size).pk) == {"icon": [text.format(*size)]}


class TestImages:
    @pytest.mark.parametrize("value", ["999", "x", "-1", "9" * 30, "١"])
    def test_have_to_be_in_the_library(self, value: str) -> None:
        for name in ("logo", "header", "icon"):
            assert errors_of(**{name: value}) == {name: ["Choose an image from the media library."]}

    def test_that_are_deleted_disappear_and_come_back(self, publish_appearance: Publish, owner: User) -> None:
        picture = a_picture(600, 600)
        before = get()
        publish_appearance(logo=picture.pk, header=picture.pk, icon=picture.pk)
        trash.delete(Picture, [picture.pk])
        without = get()
        assert without == before
        trash.restore(Picture, [picture.pk])
        assert "header-picture" in get()

    def test_say_that_the_appearance_uses_them(self, publish_appearance: Publish) -> None:
        logo, other = a_picture(10, 10), a_picture(20, 20)
        publish_appearance(logo=logo.pk)
        assert {pk: len(uses) for pk, uses in uses_of(Picture, [logo.pk, other.pk], AnonymousUser()).items()} == {
            logo.pk: 1
        }

    def test_files_whose_names_no_database_can_hold_are_not_used(self, publish_appearance: Publish) -> None:
        css = r"""a { background: url("/media/%00.png") } b { background: url("/media/\d800.png") }"""
        publish_appearance(footer="![One](/media/%00.png)", css=css)
        assert uses_of(Picture, [a_picture(40, 40).pk], AnonymousUser()) == {}

    def test_that_are_merged_are_replaced_until_that_is_undone(self, publish_appearance: Publish) -> None:
        source, target = a_picture(10, 10), a_picture(20, 20)
        publish_appearance(logo=source.pk, header=target.pk)
        draft = {**default_document(), "header": str(source.pk)}
        versions.save_draft(draft, seen=versions.stamp(SiteAppearance.current()))
        trash.merge([source.pk], target.pk)
        row = SiteAppearance.current()
        assert (read(row.document).logo, read(row.draft).header) == (str(target.pk), str(target.pk))
        trash.restore(Picture, [source.pk])
        row = SiteAppearance.current()
        # The header used to be the other picture.
        assert (read(row.document).logo, read(row.document).header) == (str(source.pk), str(target.pk))
        assert read(row.draft).header == str(source.pk)

    def test_are_chosen_among_the_newest_and_the_chosen_one(
        self, publish_appearance: Publish, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("blog.appearance.pictures._SHOWN", 1)
        old, _middle, new = a_picture(10, 10), a_picture(20, 20), a_picture(30, 30)
        publish_appearance(logo=old.pk)
        client = Client()
        client.force_login(owner)
        tree = tree_of(client.get("/admin/blog/siteappearance/1/change/").content)
        options = tree.xpath('//select[@name="logo"]/option')
        assert [option.get("value") for option in options] == ["", str(new.pk), str(old.pk)]
        assert [option.get("value") for option in options if option.get("selected") is not None] == [str(old.pk)]
