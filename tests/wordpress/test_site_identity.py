"""A blog whose URL has changed is the same blog: nothing is imported twice."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from blog.models import Category, Post
from media.models import Picture
from tests.factories.files import write_files
from tests.factories.reports import counted
from tests.factories.types import ImportParts
from tests.factories.wxr import attachment, category, comment, export, filed, item, page, write
from wordpress.importing.media_source import MediaFolder
from wordpress.importing.pipeline import import_export
from wordpress.models import Attachment, ImportedItem

pytestmark = pytest.mark.django_db

HOST = "https://old.example"


def export_parts(host: str, **text: Any) -> list[str]:
    """Return the parts of an export of a blog at `host`. GUIDs stay the same."""
    host = host.rstrip("/")
    uploads = f"{host}/wp-content/uploads/2014/03/a.png"
    return [
        category("news", "News", id=3),
        item(7, link=f"{host}/2014/03/01/post-7/", inside=[filed("category", "news", "News"), comment(1)], **text),
        item(8, link=f"{host}/2014/03/01/post-8/"),
        item(9, guid="", link=f"{host}/2014/03/01/post-9/"),
        page(20, link=f"{host}/page-20/"),
        attachment(30, attachment_url=uploads, guid=f"{HOST}/wp-content/uploads/2014/03/a.png", link=f"{host}/a/"),
    ]


class TestChangedURL:
    @pytest.mark.parametrize(
        ("before", "now"),
        [
            ("http://old.example", "https://old.example"),
            ("https://old.example", "http://old.example"),
            ("http://old.example", "https://www.old.example/"),
            ("https://www.old.example", "https://OLD.example"),
            ("http://old.example/blog", "https://old.example/blog/"),
            # Only the entries match, not the URLs.
            ("https://anna.wordpress.com", "https://old.example"),
            ("https://old.example", "http://anna.wordpress.com"),
        ],
    )
    def test_changes_nothing(self, import_parts: ImportParts, before: str, now: str) -> None:
        import_parts(*export_parts(before), site=before)
        rows = list(ImportedItem.objects.order_by("pk").values())
        report = import_parts(*export_parts(now), site=now)
        assert not report.has_changes
        assert counted(report, "attachment") == {"unchanged": 1}
        assert list(ImportedItem.objects.order_by("pk").values()) == rows
        assert Attachment.objects.get().url.startswith(f"{now.rstrip('/')}/wp-content/")

    def test_replaced_in_guids_too_changes_nothing(self, import_parts: ImportParts) -> None:
        """Some tools replace the old URL everywhere."""
        import_parts(item(7), item(8), attachment(30))
        now = "https://new.example"
        parts = [item(n, guid=f"{now}/?p={n}") for n in (7, 8)]
        report = import_parts(
            *parts, attachment(30, attachment_url=f"{now}/wp-content/uploads/2014/03/a.png"), site=now
        )
        assert not report.has_changes
        assert Attachment.objects.count() == 1

    def test_does_not_prevent_updates(self, import_parts: ImportParts) -> None:
        import_parts(*export_parts("http://old.example"), site="http://old.example")
        changed = [*export_parts(HOST, content="New text."), attachment(31, "2014/03/b.png")]
        changed[0] = category("newest", "Newest", id=3)
        report = import_parts(*changed, site=HOST)
        assert counted(report, "post") == {"updated": 1, "unchanged": 2}
        assert counted(report, "attachment") == {"unchanged": 1, "imported": 1}
        assert [each.slug for each in Category.objects.all()] == ["newest", "news"]
        assert set(Attachment.objects.values_list("site", flat=True)) == {"http://old.example"}

    def test_of_a_file_is_updated(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(*export_parts("http://old.example"), site="http://old.example")
        moved = attachment(30, "2014/04/a.png", guid=f"{HOST}/wp-content/uploads/2014/03/a.png")
        assert counted(import_parts(moved), "attachment") == {"updated": 1}
        assert Attachment.objects.get().url == f"{HOST}/wp-content/uploads/2014/04/a.png"

    def test_does_not_move_files(self, import_parts: ImportParts, tmp_path: Path, client: Client) -> None:
        write_files(tmp_path / "files", "2014/03/a.png")
        now = "https://www.old.example"
        shown = item(40, content=f'<img src="{now}/wp-content/uploads/2014/03/a.png">')
        media = MediaFolder(tmp_path / "files")
        import_parts(*export_parts("http://old.example"), site="http://old.example", media=media)
        report = import_parts(*export_parts(now), shown, site=now, media=media)
        assert counted(report, "file") == {"unchanged": 1}
        url = Picture.objects.get().file.url
        assert f'<img src="{url}"' in Post.objects.get(pk=40).body_html
        assert client.get("/?attachment_id=30").headers["Location"] == url

    def test_of_a_blog_recorded_twice_is_left_as_it_is(self, import_parts: ImportParts) -> None:
        """Earlier versions may have recorded the blog twice."""
        import_parts(*export_parts("http://old.example"), site="http://old.example")
        Attachment.objects.create(site=HOST, wordpress_id=30, url=f"{HOST}/wp-content/uploads/2014/03/a.png")
        import_parts(*export_parts(HOST))
        assert Attachment.objects.count() == 2


class TestOtherBlog:
    @pytest.mark.parametrize(
        "other", ["https://other.example", "https://old.example/other", "https://old.example:8443"]
    )
    def test_has_its_own_attachments(self, import_parts: ImportParts, other: str) -> None:
        import_parts(*export_parts(HOST))
        theirs = [
            item(7, guid=f"{other}/?p=7", post_name="their-7"),
            attachment(30, attachment_url=f"{other}/wp-content/uploads/b.png"),
        ]
        report = import_parts(*theirs, site=other)
        assert counted(report, "attachment") == {"imported": 1}
        assert Attachment.objects.count() == 2

    def test_with_some_of_the_same_posts_has_its_own_attachments(self, import_parts: ImportParts) -> None:
        other = "https://other.example"
        import_parts(*export_parts(HOST))
        theirs = [item(n, guid=f"{other}/?p={n}", post_name=f"their-{n}") for n in (50, 51, 52)]
        report = import_parts(item(8), *theirs, attachment(30), site=other)
        assert counted(report, "post") == {"unchanged": 1, "imported": 3}
        assert counted(report, "attachment") == {"imported": 1}

    def test_with_the_same_posts_under_other_ids_has_its_own_attachments(self, import_parts: ImportParts) -> None:
        import_parts(*export_parts(HOST))
        renumbered = item(907, guid="https://old.example/?p=7"), attachment(30)
        assert counted(import_parts(*renumbered, site="https://copy.example"), "attachment") == {"imported": 1}

    def test_may_be_an_export_of_this_site(self, tmp_path: Path, import_parts: ImportParts, settings: Settings) -> None:
        import_parts(*export_parts(HOST))
        ours = write(tmp_path, export(*export_parts(settings.SITE_URL), site=settings.SITE_URL))
        assert counted(import_export([ours]), "attachment") == {"imported": 1}
