"""Images and documents in the admin."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from media.documents import store_document
from media.models import Document, Picture, RenditionState
from media.pictures import store_picture
from media.renditions import make_renditions
from media.uploads import store_upload
from tests.factories import PageFactory, PostFactory, UserFactory, at
from tests.factories.files import pdf_file, picture_file, wav
from tests.factories.files import picture as image_bytes
from tests.factories.responses import find, one, read, text

pytestmark = pytest.mark.django_db

ADD_PICTURE = "/admin/media/picture/add/"


def page(kind: str, name: str, *args: Any) -> str:
    return reverse(f"admin:media_{kind}_{name}", args=args)


class TestRoles:
    @pytest.mark.parametrize("kind", ["picture", "document"])
    @pytest.mark.parametrize(
        ("role", "listed", "added", "changed", "deleted"),
        [
            ("Author", 200, 200, 200, 403),
            ("Editor", 200, 200, 200, 200),
            ("Moderator", 403, 403, 403, 403),
            ("", 403, 403, 403, 403),
        ],
    )
    def test_pages_open_only_for_roles_with_permission(  # one column for each page
        self, client: Client, kind: str, role: str, listed: int, added: int, changed: int, deleted: int
    ) -> None:
        client.force_login(UserFactory(role=role) if role else UserFactory(is_staff=True))
        upload = store_picture(picture_file()) if kind == "picture" else store_document(pdf_file())
        assert client.get(page(kind, "changelist")).status_code == listed
        assert client.get(page(kind, "add")).status_code == added
        assert client.get(page(kind, "change", upload.pk)).status_code == changed
        assert client.get(page(kind, "delete", upload.pk)).status_code == deleted

    def test_authors_see_media_but_cannot_change_them(self, client: Client) -> None:
        client.force_login(UserFactory(role="Author"))
        picture = store_picture(picture_file(), title="As it was")
        response = client.post(page("picture", "change", picture.pk), {"title": "Changed", "alt": "", "caption": ""})
        assert response.status_code == 403
        assert Picture.objects.get().title == "As it was"

    @pytest.mark.parametrize(("kind", "make"), [("picture", picture_file), ("document", pdf_file)])
    def test_authors_get_no_link_to_the_account_of_who_uploaded_a_file(
        self, client: Client, kind: str, make: Callable[[], SimpleUploadedFile]
    ) -> None:
        file = store_upload(make(), by=UserFactory(display_name="Amina"))
        client.force_login(UserFactory(role="Author"))
        shown = read(client.get(page(kind, "change", file.pk)))
        assert text(one(shown, ".field-uploader .readonly")) == "Amina"
        assert not find(shown, ".field-uploader a")

    def test_anonymous_visitors_are_asked_to_log_in(self, client: Client) -> None:
        assert client.get(ADD_PICTURE)["Location"].startswith("/admin/login/")


class TestUploading:
    @pytest.fixture(autouse=True)
    def _editor(self, client: Client) -> None:
        self.editor = UserFactory(role="Editor")
        client.force_login(self.editor)

    def test_pictures_are_cleaned(self, client: Client) -> None:
        exif = Image.Exif()
        exif[0x010F] = "Secretcam"
        encoded = io.BytesIO()
        Image.new("RGB", (3000, 20), "teal").save(encoded, "JPEG", exif=exif)
        upload = SimpleUploadedFile("Our march.html", encoded.getvalue(), "text/html")
        client.post(ADD_PICTURE, {"file": upload, "title": "", "alt": "A crowd", "caption": ""})
        picture = Picture.objects.get()
        assert (picture.title, picture.width, picture.uploaded_by) == ("Our march", 2400, self.editor)
        assert str(picture.file.name).endswith(".jpg")
        with picture.file.open() as file:
            assert b"Secretcam" not in file.read()

    def test_documents_are_checked(self, client: Client) -> None:
        client.post("/admin/media/document/add/", {"file": pdf_file(name="Our report.exe"), "title": ""})
        document = Document.objects.get()
        assert (document.title, document.uploaded_by) == ("Our report", self.editor)
        assert str(document.file.name).endswith("/our-report.pdf")

    @pytest.mark.parametrize("kind", ["picture", "document"])
    def test_an_error_is_explained_and_the_input_is_kept(self, client: Client, kind: str) -> None:
        upload = SimpleUploadedFile("x.png", b"<script>", "image/png")
        response = client.post(page(kind, "add"), {"file": upload, "title": "Typed", "alt": "", "caption": ""})
        assert response.status_code == 200
        message = {
            "picture": "This file is not an image",
            "document": "Files of the type “.png” can&#x27;t be published",
        }
        assert message[kind] in response.content.decode()
        assert 'value="Typed"' in response.content.decode()

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "GIF"])
    def test_replacing_an_image_keeps_its_url_and_format(self, client: Client, kind: str) -> None:
        picture = store_picture(SimpleUploadedFile("a.jpg", image_bytes(kind="JPEG")), title="A lamp")
        make_renditions(picture)
        new = SimpleUploadedFile("new.bin", image_bytes(kind, size=(90, 60)))
        client.post(
            page("picture", "change", picture.pk), {"replacement": new, "title": "A lamp", "alt": "Lit", "caption": ""}
        )
        replaced = Picture.objects.present().get()
        assert (replaced.file.name, replaced.alt) == (picture.file.name, "Lit")
        assert (replaced.width, replaced.height, replaced.renditions) == (90, 60, [])
        assert replaced.rendition_state == RenditionState.DUE
        with replaced.file.open() as file:
            assert Image.open(file).format == "JPEG"
            assert file.size == replaced.size

    def test_a_replaced_image_is_shown_although_browsers_keep_the_former_one(self, client: Client) -> None:
        picture = store_picture(picture_file())
        form, grid = page("picture", "change", picture.pk), page("picture", "changelist")

        def shown() -> list[str]:
            images = [find(read(client.get(form)), ".media-preview"), find(read(client.get(grid)), ".media-grid img")]
            return [str(each.get("src")) for (each,) in images]

        before = shown()
        new = SimpleUploadedFile("new.png", image_bytes(size=(90, 60)))
        client.post(form, {"replacement": new, "title": "A lamp", "alt": "", "caption": ""})
        assert set(before).isdisjoint(shown())

    def test_urls_and_dimensions_are_read_from_left_to_right_in_any_language(self, client: Client) -> None:
        picture = store_picture(picture_file())
        form, grid = (
            read(client.get(url)) for url in (page("picture", "change", picture.pk), page("picture", "changelist"))
        )
        assert text(one(form, ".field-url [dir=ltr]")) == picture.file.url
        assert text(one(form, ".field-dimensions [dir=ltr]")) == text(one(grid, ".media-facts [dir=ltr]")) == "12 × 8"

    @pytest.mark.parametrize("kind", ["picture", "document"])
    def test_a_file_that_was_lost_on_the_disk_can_be_replaced(self, client: Client, kind: str) -> None:
        upload: Any = store_picture(picture_file()) if kind == "picture" else store_document(pdf_file())
        lost = Path(upload.file.path)
        lost.unlink()
        lost.parent.rmdir()
        new = picture_file() if kind == "picture" else pdf_file()
        data = {"replacement": new, "title": "New", "alt": "", "caption": ""}
        assert client.post(page(kind, "change", upload.pk), data).status_code == 302
        assert lost.stat().st_size == upload.size

    def test_a_file_that_someone_else_has_replaced_is_not_overwritten(self, client: Client) -> None:
        picture = store_picture(picture_file(), title="A lamp")
        url = page("picture", "change", picture.pk)
        (version,) = find(read(client.get(url)), "input[name=version]")
        opened = {"title": "A lamp", "alt": "", "caption": "", "version": version.get("value", "")}

        def replace(width: int) -> Any:
            return client.post(url, opened | {"replacement": SimpleUploadedFile("n.png", image_bytes(size=(width, 9)))})

        assert replace(300).status_code == 302
        refused = text(read(replace(200)))
        assert "Someone else saved this while you were editing" in refused
        assert "Choose them again." in refused
        assert Picture.objects.present().get().width == 300
        # A text can be changed by the form without choosing a file again.
        assert "Replace the file" in text(read(client.post(url, opened | {"alt": "Lit"})))
        (version,) = find(read(client.get(url)), "input[name=version]")
        client.post(url, opened | {"alt": "Lit", "version": version.get("value", "")})
        saved = Picture.objects.present().get()
        assert (saved.width, saved.alt) == (300, "Lit")

    def test_a_document_can_only_be_replaced_by_one_of_the_same_type(self, client: Client) -> None:
        document = store_document(pdf_file())
        url = page("document", "change", document.pk)
        response = client.post(url, {"replacement": SimpleUploadedFile("a.wav", wav()), "title": "Typed"})
        assert "The URL stays the same, so choose a “.pdf” file." in response.content.decode()
        assert 'value="Typed"' in response.content.decode()
        longer = pdf_file(pdf_file().read().replace(b"99 99", b"9999 9999"))
        client.post(url, {"replacement": longer, "title": "New"})
        replaced = Document.objects.present().get()
        assert (replaced.file.name, replaced.title) == (document.file.name, "New")
        with replaced.file.open() as file:
            assert b"9999" in file.read()

    def test_an_unreadable_image_replaces_nothing(self, client: Client) -> None:
        picture = store_picture(picture_file())
        with picture.file.open() as file:
            before = file.read()
        data = {"replacement": SimpleUploadedFile("x.png", b"<script>"), "title": "x", "alt": "", "caption": ""}
        response = client.post(page("picture", "change", picture.pk), data)
        assert "This file is not an image" in response.content.decode()
        with Picture.objects.get().file.open() as file:
            assert file.read() == before

    @pytest.mark.parametrize("kind", ["picture", "document"])
    def test_the_list_takes_few_queries_with_any_filter(
        self, client: Client, kind: str, django_assert_num_queries: Any
    ) -> None:
        def add() -> None:
            by = UserFactory()
            store_picture(picture_file(), by=by) if kind == "picture" else store_document(pdf_file(), by=by)

        add()
        client.get(page(kind, "changelist"))
        for _ in range(2):
            for query in ("", "?used=yes", "?used=no", "?size=large", "?q=a"):
                # The filter by use and the column that images have for it also query the appearance, once.
                count = 7 + (kind == "picture" or "used" in query)
                with django_assert_num_queries(count):
                    assert client.get(page(kind, "changelist") + query).status_code == 200
            add()
            add()

    def test_the_markdown_for_a_picture_is_shown(self, client: Client) -> None:
        picture = store_picture(picture_file(), alt="A [big] crowd <b>")
        shown = client.get(page("picture", "change", picture.pk)).content.decode()
        assert f"![A (big) crowd &lt;b&gt;]({picture.file.url})" in shown


class TestLibrary:
    @pytest.fixture(autouse=True)
    def _editor(self, client: Client) -> None:
        client.force_login(UserFactory(role="Editor"))

    def shown(self, client: Client, kind: str, query: str) -> set[str]:
        response = client.get(f"{page(kind, 'changelist')}?{query}")
        return {str(upload) for upload in response.context["cl"].result_list}

    def test_the_grid_of_images_shows_missing_texts_and_use(self, client: Client) -> None:
        picture = store_picture(picture_file(), title="A lamp")
        html = client.get(page("picture", "changelist")).content.decode()
        assert f'src="{picture.current_url}"' in html
        assert "No alternative text" in html
        assert "Unused" in html

    def test_images_can_be_filtered(self, client: Client) -> None:
        plain = store_picture(picture_file(), title="plain")
        used, featured = (store_picture(picture_file(), title=title, alt="A lamp") for title in ("used", "featured"))
        Picture.objects.filter(pk=plain.pk).update(size=2_000_000, uploaded_at=at(2020, 5, 31, 23))
        PostFactory(source=f"![]({used.file.url})")
        PageFactory(featured_picture=featured)
        assert self.shown(client, "picture", "used=no") == {"plain"}
        assert self.shown(client, "picture", "used=yes") == {"used", "featured"}
        assert self.shown(client, "picture", "alt=no") == {"plain"}
        assert self.shown(client, "picture", "alt=yes") == {"used", "featured"}
        assert self.shown(client, "picture", "size=large") == {"plain"}
        assert self.shown(client, "picture", "month=2020-05") == {"plain"}
        assert self.shown(client, "picture", "type=png") == {"plain", "used", "featured"}
        assert self.shown(client, "picture", "type=jpeg") == set()
        assert self.shown(client, "picture", "q=lamp") == {"used", "featured"}
        # Invalid filters are ignored.
        assert len(self.shown(client, "picture", "month=x&type=exe&used=maybe")) == 3

    def test_documents_can_be_filtered(self, client: Client) -> None:
        report, sound = store_document(pdf_file()), store_document(SimpleUploadedFile("sound.wav", wav()))
        PostFactory(source=f"[Report]({report.file.url})")
        assert self.shown(client, "document", "type=pdf") == {str(report)}
        assert self.shown(client, "document", "type=audio") == {str(sound)}
        assert self.shown(client, "document", "type=office") == set()
        assert self.shown(client, "document", "used=no") == {str(sound)}

    def test_the_details_list_every_page_that_uses_the_file(self, client: Client) -> None:
        picture = store_picture(picture_file())
        post = PostFactory(title="The march", source=f"![]({picture.file.url})")
        about = PageFactory(title="About", featured_picture=picture, status="draft")
        html = client.get(page("picture", "change", picture.pk)).content.decode()
        assert f'<a href="/admin/blog/post/{post.pk}/change/">post “The march” (Published)</a>' in html
        assert f'<a href="/admin/blog/page/{about.pk}/change/">page “About” (Draft), as the featured image</a>' in html

    @pytest.mark.parametrize("hidden", [{"status": "draft"}, {"status": "private"}, {"published_at": at(2090, 1, 1)}])
    def test_authors_learn_nothing_of_hidden_posts_that_use_the_file_except_that_there_are_some(
        self, client: Client, hidden: dict[str, Any]
    ) -> None:
        author = UserFactory(role="Author")
        client.force_login(author)
        picture, document = store_picture(picture_file()), store_document(pdf_file())
        source = f"![Ada in hiding]({picture.file.url}) [Report]({document.file.url})"
        PostFactory(title="Secret plan", source=source, featured_picture=picture, **hidden)
        PostFactory(title="Public march", source=source.replace("Ada in hiding", "A march"))
        own = PostFactory(title="My draft", source=source.replace("Ada in hiding", "Mine"), author=author, **hidden)
        for kind, pk in (("picture", picture.pk), ("document", document.pk)):
            response = client.get(page(kind, "change", pk))
            html = response.content.decode()
            assert "Secret plan" not in html
            assert "Ada in hiding" not in html
            assert len(find(read(response), ".field-uses li")) == 3
            assert "post “Public march” (Published)" in html
            assert f'<a href="/admin/blog/post/{own.pk}/change/">post “My draft”' in html
            assert ("A march" in html and "Mine" in html) == (kind == "picture")

    def test_authors_get_no_alternative_texts_from_posts_with_a_password(self, client: Client) -> None:
        client.force_login(UserFactory(role="Author"))
        picture = store_picture(picture_file())
        PostFactory(source=f"![Ada in hiding]({picture.file.url})", password="lamp")
        assert "Ada in hiding" not in client.get(page("picture", "change", picture.pk)).content.decode()

    def test_the_details_offer_alternative_texts_from_posts(self, client: Client) -> None:
        picture = store_picture(picture_file())
        for alt in ("A lamp & a <ledger>", "A lamp & a <ledger>", ""):
            PostFactory(source=f"![{alt}]({picture.file.url})")
        other = store_picture(picture_file())
        PostFactory(source=f"![Another]({other.file.url})")
        response = client.get(page("picture", "change", picture.pk))
        assert [text(offered) for offered in find(read(response), ".field-alt_in_texts li")] == [
            "A lamp & a <ledger> Use this text"
        ]
        assert "Another" not in response.content.decode()

    def test_an_alternative_text_is_edited_in_a_textarea_and_stored_on_one_line(self, client: Client) -> None:
        picture = store_picture(picture_file(), title="A lamp")
        change = page("picture", "change", picture.pk)
        assert one(read(client.get(change)), "#id_alt").tag == "textarea"
        client.post(change, {"title": "A lamp", "alt": "A lamp \r\n\r\nin the window", "caption": ""})
        picture.refresh_from_db()
        assert picture.alt == "A lamp in the window"

    @pytest.mark.parametrize("how", ["one", "several"])
    def test_deleting_first_lists_the_pages_that_use_the_file(self, client: Client, how: str) -> None:
        picture, unused = store_picture(picture_file()), store_picture(picture_file(), title="Nowhere")
        PostFactory(title="The march", source=f"![]({picture.file.url})")
        if how == "one":
            response = client.get(page("picture", "delete", picture.pk))
        else:
            data = {"action": "delete_selected", "_selected_action": [picture.pk, unused.pk]}
            response = client.post(page("picture", "changelist"), data)
        html = response.content.decode()
        assert "which is used in:" in html
        assert "post “The march” (Published)" in html
        assert ("Nowhere" in html) == (how == "several")
        assert Picture.objects.count() == 2

    def test_authors_may_upload(self, client: Client) -> None:
        client.force_login(UserFactory(role="Author"))
        assert 'action="/admin/media/upload/"' in client.get(page("picture", "changelist")).content.decode()
