"""Portraits of authors: who chooses them, how uploads are processed, and where readers see them."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from accounts.actions import Action
from accounts.models import AuditRecord, Portrait, User
from accounts.offboarding import offboard
from blog.portraits import SIZE, PortraitForm, make_portrait
from comments import personal_data
from core.changes import content_version
from core.models import SiteSettings
from tests.factories import PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.metadata import json_ld, microformats
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db

OWN = "/admin/profile/"


def photo(width: int = 600, height: int = 800, kind: str = "JPEG", **options: Any) -> SimpleUploadedFile:
    """Return a picture that is not plain."""
    image = Image.effect_mandelbrot((width, height), (-2, -1.5, 1, 1.5), 60).convert("RGB")
    written = io.BytesIO()
    image.save(written, kind, **options)
    return SimpleUploadedFile(f"me.{kind.lower()}", written.getvalue())


def with_portrait(person: User, *, name: str | None = None) -> User:
    """Give a user a portrait, chosen for their present name or for another one."""
    shown_for = person.display_name if name is None else name
    Portrait.objects.create(person=person, name=shown_for, image=make_portrait(photo()), digest="0123456789abcdef")
    return User.objects.get(pk=person.pk)


@pytest.fixture
def author() -> User:
    SiteSettings.objects.update(show_author=True)
    person: User = UserFactory(username="zoe", display_name="Zoë", bio="Writes about lamps.", role="Author")
    PostFactory(author=person)
    return person


def image_on(path: str) -> str:
    """Return the URL of the portrait that readers see on a page; empty without one."""
    images = find(read(Client().get(path)), "img.u-photo")
    return str(images[0].get("src")) if images else ""


class TestTheUpload:
    def test_becomes_a_small_square_without_metadata(self) -> None:
        exif = Image.Exif()
        exif[0x013B] = "Legalname"
        made = make_portrait(photo(exif=exif))
        assert b"Legalname" not in made
        with Image.open(io.BytesIO(made)) as image:
            assert (image.format, image.size) == ("WEBP", (SIZE, SIZE))
            assert not image.getexif()
            assert image.info.keys() <= {"background", "loop", "timestamp", "duration"}
        assert len(made) < 10_000

    def test_is_turned_upright_and_keeps_the_part_above_the_middle(self) -> None:
        image = Image.new("RGB", (400, 800), "blue")
        image.paste("red", (0, 0, 400, 400))
        exif = Image.Exif()
        # Turned upside down by the camera.
        exif[0x0112] = 3
        written = io.BytesIO()
        image.rotate(180).save(written, "JPEG", exif=exif)
        made = Image.open(io.BytesIO(make_portrait(SimpleUploadedFile("me.jpg", written.getvalue()))))
        red = sum(made.getpixel((SIZE // 2, y))[0] > 128 for y in range(SIZE))  # type: ignore[index]  # it is RGB
        assert red > SIZE * 0.55

    @pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "AVIF", "TIFF"])
    def test_may_have_any_image_format(self, kind: str) -> None:
        with Image.open(io.BytesIO(make_portrait(photo(kind=kind)))) as image:
            assert image.size == (SIZE, SIZE)

    def test_is_visible_on_every_background(self) -> None:
        written = io.BytesIO()
        Image.new("RGBA", (300, 300), (0, 0, 0, 0)).save(written, "PNG")
        made = Image.open(io.BytesIO(make_portrait(SimpleUploadedFile("me.png", written.getvalue()))))
        assert (made.mode, made.getpixel((0, 0))) == ("RGB", (255, 255, 255))

    @pytest.mark.parametrize(
        "content", [b"", b"<svg onload='alert(1)'/>", b"GIF89a" + bytes(20), bytes(range(256)) * 20]
    )
    def test_is_refused_if_it_is_not_an_image(self, content: bytes) -> None:
        with pytest.raises(ValidationError):
            make_portrait(SimpleUploadedFile("me.jpg", content))


class TestChoosing:
    def test_authors_choose_change_and_remove_their_own(self, author: User) -> None:
        client = client_of(author)
        page = client.post(OWN, {"upload": photo()}, follow=True)
        assert "Portrait saved." in page.text
        first = image_on("/author/zoe/")
        assert first in page.text
        client.post(OWN, {"upload": photo(kind="PNG", width=300)})
        assert image_on("/author/zoe/") not in ("", first)
        assert Portrait.objects.count() == 1
        assert "Portrait removed." in client.post(OWN, {"upload-clear": "on"}, follow=True).text
        assert not Portrait.objects.exists()
        assert image_on("/author/zoe/") == ""

    def test_a_double_click_stores_one(self, author: User) -> None:
        forms = [PortraitForm({}, {"upload": photo()}, instance=Portrait(person=author)) for _click in range(2)]
        assert all(form.is_valid() for form in forms)
        assert [form.save() for form in forms] == [Portrait.objects.get()] * 2

    def test_it_is_recorded(self, author: User) -> None:
        client_of(author).post(OWN, {"upload": photo()})
        record = AuditRecord.objects.get(action=Action.CHANGED)
        assert (record.person, record.details, record.object_id) == (author, "Portrait", str(author.pk))

    def test_a_form_without_a_choice_changes_nothing(self, author: User) -> None:
        with_portrait(author)
        client = client_of(author)
        before = content_version()
        client.post(OWN, {})
        assert (content_version(), Portrait.objects.count()) == (before, 1)
        client_of(UserFactory(role="Author")).post(OWN, {"upload-clear": "on"})
        assert Portrait.objects.count() == 1

    def test_authors_write_their_own_biography(self, author: User) -> None:
        client = client_of(author)
        assert "Writes about lamps." in text(one(read(client.get("/admin/account/")), "[name=bio]"))
        no_image = SimpleUploadedFile("me.jpg", b"no image")
        page = client.post(OWN, {"bio": "Keeps bees.", "upload": no_image}, follow=True)
        assert "This file is not an image" in page.text
        assert "Biography saved." in page.text
        assert "Keeps bees." in Client().get("/author/zoe/").text
        assert AuditRecord.objects.get(action=Action.CHANGED).details == "Biography"

    def test_says_what_is_wrong_with_a_file(self, author: User) -> None:
        page = client_of(author).post(OWN, {"upload": SimpleUploadedFile("me.jpg", b"no image")}, follow=True)
        assert "This file is not an image" in page.text
        assert not Portrait.objects.exists()

    @pytest.mark.parametrize(("role", "status"), [("anonymous", 302), ("Moderator", 403), ("staff", 403)])
    def test_is_only_for_users_who_write(self, role: str, status: int) -> None:
        client = client_of(user_in_role(role))
        assert client.post(OWN, {"upload": photo()}).status_code == status
        assert not Portrait.objects.exists()
        assert 'name="upload"' not in client.get("/admin/account/").text

    def test_needs_a_csrf_token(self, author: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(author)
        assert client.post(OWN, {"upload": photo()}).status_code == 403

    def test_owners_choose_any_users_portrait(self, author: User) -> None:
        owner = client_of(user_in_role("superuser"))
        url = f"/admin/accounts/user/{author.pk}/change/"
        assert "multipart/form-data" in owner.get(url).text
        fields = ("display_name", "slug", "bio", "username", "first_name", "last_name", "email")
        data = {**{name: getattr(author, name) for name in fields}, "role": "Author", "display_name": "Zoë Lamp"}
        rows = {"portrait-TOTAL_FORMS": 1, "portrait-INITIAL_FORMS": 0}
        response = owner.post(url, {**data, **rows, "portrait-0-upload": photo()})
        assert response.status_code == 302, response.text
        portrait = Portrait.objects.get()
        assert (portrait.person, portrait.name) == (author, "Zoë Lamp")
        assert image_on("/author/zoe/")
        page = owner.get(url)
        assert portrait.get_absolute_url() in page.text
        rows = {"portrait-TOTAL_FORMS": 1, "portrait-INITIAL_FORMS": 1, "portrait-0-id": portrait.pk}
        rows["portrait-0-person"] = author.pk
        owner.post(url, {**data, **rows, "portrait-0-upload-clear": "on"})
        assert not Portrait.objects.exists()


class TestReaders:
    def test_see_it_on_the_page_of_the_author(self, author: User) -> None:
        with_portrait(author)
        image = one(read(Client().get("/author/zoe/")), ".p-author img.u-photo")
        # The name is beside it, and the size keeps the text from moving.
        assert (image.get("alt"), image.get("width"), image.get("height")) == ("", "96", "96")
        response = Client().get(str(image.get("src")))
        assert response.headers["Content-Type"] == "image/webp"
        assert response.headers["Cache-Control"] == "public, max-age=3600"
        assert response.content == bytes(Portrait.objects.get().image)

    def test_see_it_in_the_list_of_authors(self, author: User) -> None:
        with_portrait(author)
        PostFactory(author=UserFactory(display_name="Amina"))
        amina, zoe = find(read(Client().get("/authors/")), ".authors > li")
        assert not find(amina, "img")
        assert one(zoe, "img").get("width") == "64"
        assert text(zoe) == "Zoë (1) Writes about lamps."

    def test_programs_find_it(self, client: Client, author: User) -> None:
        url = f"http://testserver{with_portrait(author).portrait.get_absolute_url()}"
        assert json_ld(client, "/author/zoe/")["ProfilePage"]["mainEntity"]["image"] == url
        (feed,) = microformats(client, "/author/zoe/")
        (card,) = feed["properties"]["author"]
        assert card["type"] == ["h-card"]
        assert card["properties"]["name"] == ["Zoë"]
        assert card["properties"]["photo"] == [{"alt": "", "value": url}]
        assert card["properties"]["note"] == ["Writes about lamps."]

    def test_do_not_see_it_if_the_name_has_changed(self, author: User) -> None:
        person = with_portrait(author)
        url = person.portrait.get_absolute_url()
        person.display_name = "Nightingale"
        person.save()
        assert image_on("/author/zoe/") == image_on("/authors/") == ""
        assert Client().get(url).status_code == 404
        assert "image" not in json_ld(Client(), "/author/zoe/")["ProfilePage"]["mainEntity"]
        # The author is notified, and can choose it again or remove it.
        assert "it was chosen for another name" in client_of(author).get("/admin/account/").text
        client_of(author).post(OWN, {"upload": photo()})
        assert image_on("/author/zoe/")

    def test_pages_without_one_have_no_place_for_it(self, author: User) -> None:
        assert "<img" not in Client().get("/author/zoe/").text
        assert Client().get("/portrait-0123456789abcdef.webp").status_code == 404

    def test_it_is_deleted_with_the_account(self, author: User) -> None:
        url = with_portrait(author).portrait.get_absolute_url()
        offboard(author, heir=UserFactory(role="Author"), erase=True)
        assert not Portrait.objects.exists()
        assert Client().get(url).status_code == 404

    def test_no_cache_keeps_it_for_those_who_are_logged_in(self, author: User) -> None:
        url = with_portrait(author).portrait.get_absolute_url()
        assert "no-store" in client_of(author).get(url).headers["Cache-Control"]


class TestAboutTheAuthor:
    def box(self, path: str) -> str:
        found = read(Client().get(path)).xpath("//section[@aria-labelledby='about-author']")
        return text(found[0]) if found else ""

    @pytest.fixture
    def path(self, author: User) -> str:
        url: str = with_portrait(author).entries.get().get_absolute_url()
        return url

    def test_is_not_below_posts_by_default(self, path: str) -> None:
        assert self.box(path) == ""
        assert "about-author" not in Client().get(path).text

    def test_is_below_posts_if_owners_want_it(self, path: str, publish_appearance: Callable[..., int]) -> None:
        publish_appearance(about_author=True)
        assert self.box(path) == "About the author Zoë Writes about lamps."
        assert image_on(path)
        SiteSettings.objects.update(show_author=False)
        assert self.box(path) == ""

    def test_is_left_out_if_there_is_nothing_to_say(self, author: User, publish_appearance: Callable[..., int]) -> None:
        publish_appearance(about_author=True)
        path = author.entries.get().get_absolute_url()
        assert self.box(path)
        User.objects.update(bio="")
        assert self.box(path) == ""

    def test_follows_each_change(self, author: User, path: str, publish_appearance: Callable[..., int]) -> None:
        publish_appearance(about_author=True)
        assert image_on(path)
        Portrait.objects.all().delete()
        assert image_on(path) == ""
        assert "lamps" in self.box(path)


class TestPersonalData:
    def test_is_disclosed_and_erased(self, author: User) -> None:
        User.objects.filter(pk=author.pk).update(email="zoe@example.org")
        with_portrait(author)
        (rows,) = personal_data.export("zoe@example.org")["others"]["portraits"]
        assert rows["name"] == "Zoë"
        # As base64.
        assert str(rows["image"]).startswith("UklGR")
