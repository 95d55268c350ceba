"""IDs of posts, pages and files that are not numbers, as the exporters of some other programs write them."""

import io
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import call_command

from blog.models import Entry, Page, Post
from blog.models.redirect import Redirect
from media.models import Picture
from tests.factories.files import write_files
from tests.factories.reports import counted
from tests.factories.types import ImportParts
from tests.factories.wxr import attachment, export, exported, item, items, meta, page, write
from wordpress.importing.media_source import MediaFolder
from wordpress.models import Attachment
from wordpress.wxr.values import recorded_id

pytestmark = pytest.mark.django_db

PICTURE, PARENT, CHILD, POST = "0b6f7a-picture", "5c7d1a2be4966b0001a2b3c4", "{9C2E}", "post:1"
PARTS = (
    page(20, post_id=CHILD, post_parent=PARENT, guid="", post_name="child"),
    page(21, post_id=PARENT, guid="", post_name="parent"),
    item(7, post_id=POST, guid="", inside=[meta("_thumbnail_id", PICTURE)]),
    attachment(30, "2014/a.png", post_id=PICTURE, post_parent=POST),
)


@pytest.fixture
def folder(tmp_path: Path) -> MediaFolder:
    root = tmp_path / "uploads"
    root.mkdir()
    write_files(root, "2014/a.png")
    return MediaFolder(root)


class TestImporting:
    def test_pages_are_below_their_parents(self, import_parts: ImportParts) -> None:
        import_parts(*PARTS)
        assert Page.objects.get(slug="child").path == "parent/child"

    def test_posts_have_their_featured_images(self, import_parts: ImportParts, folder: MediaFolder) -> None:
        import_parts(*PARTS, media=folder)
        assert Post.objects.get().featured_picture == Picture.objects.get()

    def test_files_belong_to_their_posts(self, import_parts: ImportParts, folder: MediaFolder, tmp_path: Path) -> None:
        import_parts(*PARTS, media=folder)
        found = items(exported(tmp_path))
        (file,) = (each for each in found.values() if each.type == "attachment")
        assert file.parent == Post.objects.get().pk

    def test_posts_and_pages_get_ids_as_if_there_were_none(self, import_parts: ImportParts) -> None:
        import_parts(item(40, post_name="numbered"), *PARTS)
        assert sorted(Entry.objects.values_list("pk", flat=True)) == [40, 41, 42, 43]

    def test_the_same_export_again_changes_nothing(self, import_parts: ImportParts, folder: MediaFolder) -> None:
        import_parts(*PARTS, media=folder)
        report = import_parts(*PARTS, media=folder)
        assert not report.has_changes
        assert counted(report, "attachment") == {"unchanged": 1}

    def test_children_find_parents_of_a_later_export(self, import_parts: ImportParts) -> None:
        import_parts(PARTS[0])
        import_parts(PARTS[1])
        assert Page.objects.get(slug="child").path == "parent/child"

    def test_children_find_parents_of_an_earlier_export(self, import_parts: ImportParts) -> None:
        import_parts(PARTS[1])
        import_parts(PARTS[0])
        assert Page.objects.get(slug="child").path == "parent/child"

    def test_the_same_ids_of_another_site_mean_other_items(self, import_parts: ImportParts) -> None:
        import_parts(*PARTS)
        there = [each.replace("old.example", "other.example") for each in PARTS]
        report = import_parts(*there, site="https://other.example")
        assert counted(report, "attachment") == {"imported": 1}
        assert sorted(Page.objects.values_list("path", flat=True)) == [
            *("parent", "parent-2", "parent-2/child", "parent/child")
        ]

    def test_the_report_does_not_show_the_numbers_made_from_ids(self, import_parts: ImportParts) -> None:
        report = import_parts(*PARTS)
        assert [remark.id for remark in report.skipped] == [0]
        assert max(remark.id for remark in (*report.notes, *report.skipped, *report.file_references)) < 1000

    def test_verifying_does_not_show_them_either(self, import_parts: ImportParts, tmp_path: Path) -> None:
        shown = item(8, post_id="x", post_name="x", guid="", content='<img src="https://old.example/missing.png">')
        import_parts(shown)
        output = io.StringIO()
        call_command("verify_import", write(tmp_path, export(shown)), stdout=output, stderr=io.StringIO())
        assert "post “A title”: 1 still missing" in output.getvalue()

    def test_no_redirect_contains_the_numbers_made_from_ids(
        self, import_parts: ImportParts, folder: MediaFolder
    ) -> None:
        import_parts(*PARTS, media=folder)
        assert not Redirect.objects.filter(path__contains=str(recorded_id(PICTURE))).exists()

    def test_files_without_any_id_are_known_by_their_urls(self, import_parts: ImportParts) -> None:
        parts = [attachment(30, f"2014/{name}.png", post_id="", post_parent=7) for name in ("a", "b", "a")]
        report = import_parts(item(7), *parts)
        assert counted(report, "attachment") == {"imported": 2, "skipped": 1}
        assert sorted(Attachment.objects.values_list("path", "parent")) == [
            *(("/wp-content/uploads/2014/a.png", 7), ("/wp-content/uploads/2014/b.png", 7))
        ]
        assert not import_parts(item(7), *parts).has_changes

    def test_an_id_in_a_url_takes_precedence_over_the_url_of_the_file(self, import_parts: ImportParts) -> None:
        import_parts(attachment(30, "2014/a.png", post_id="", link="https://old.example/?attachment_id=30"))
        assert Attachment.objects.get().wordpress_id == 30

    @pytest.mark.parametrize("missing", ["None", "null", "-1", "NaN", "undefined", "0", str(UUID(int=0))])
    def test_words_for_a_missing_id_are_no_ids(self, import_parts: ImportParts, missing: str) -> None:
        parts = [page(n, post_id=missing, post_parent=missing, guid="", post_name=f"page-{n}") for n in (1, 2)]
        import_parts(*parts)
        assert sorted(Page.objects.values_list("path", flat=True)) == ["page-1", "page-2"]

    def test_a_featured_image_that_an_earlier_version_ignored_is_set(
        self, import_parts: ImportParts, folder: MediaFolder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with monkeypatch.context() as earlier:
            earlier.setattr("wordpress.importing.ledger.id_key", lambda text: "")
            earlier.setattr("wordpress.importing.steps.files.recorded_id", lambda text: 0)
            import_parts(*PARTS, media=folder)
        assert Post.objects.get().featured_picture is None
        import_parts(*PARTS, media=folder)
        assert Post.objects.get().featured_picture == Picture.objects.get()


class TestExporting:
    def test_a_missing_featured_image_refers_to_its_item(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(*PARTS)
        found = items(exported(tmp_path))
        (file,) = (each for each in found.values() if each.type == "attachment")
        (post,) = (each for each in found.values() if each.type == "post")
        assert post.field("_thumbnail_id") == str(file.id)
        assert file.id == max(found_id for _type, found_id in found)
        assert file.parent == post.id

    def test_our_export_restores_the_ids_of_numbered_files(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(attachment(30, "2014/b.png"), *PARTS)
        assert items(exported(tmp_path))["attachment", 30].attachment_url.endswith("b.png")

    def test_items_of_plugins_refer_to_the_posts_that_they_belong_to(
        self, import_parts: ImportParts, tmp_path: Path
    ) -> None:
        import_parts(*PARTS, item(50, post_type="plugin_thing", post_parent=POST, guid="urn:thing"))
        assert items(exported(tmp_path))["plugin_thing", 50].parent == Post.objects.get().pk


def test_numbers_made_from_ids_fit_into_the_database() -> None:
    made = {recorded_id(f"id-{n}") for n in range(10_000)}
    assert len(made) == 10_000
    assert all(9 * 10**18 <= each < 2**63 for each in made)
    assert Attachment._meta.get_field("wordpress_id").get_internal_type() == "PositiveBigIntegerField"
