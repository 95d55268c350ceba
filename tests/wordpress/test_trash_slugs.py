"""WordPress appends `__trashed` to the slugs of trashed posts. Restored posts get their slugs back."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from blog import publishing
from blog.models import Page, Post
from tests.factories import UserFactory
from tests.factories.reports import counted
from tests.factories.types import ImportParts
from tests.factories.wxr import exported, item, items, meta, page
from wordpress.importing.pipeline import import_export

pytestmark = pytest.mark.django_db

# 100 characters, which WordPress stores as 600.
LONG = "ж" * 100
# The beginning of it, which fits before the suffix.
TRUNCATED = "%d0%b6" * 31


def desired(slug: str) -> dict[str, Any]:
    return {"inside": [meta("_wp_desired_post_slug", slug)]}


def _dated(status: str) -> dict[str, str]:
    return dict.fromkeys(("post_date", "post_date_gmt"), "2090-01-01 00:00:00") if status == "future" else {}


class TestImported:
    @pytest.mark.parametrize("status", ["draft", "pending", "future"])
    @pytest.mark.parametrize(
        ("slug", "more", "expected"),
        [
            ("one__trashed", {}, "one"),
            ("one__trashed-2", {}, "one"),
            ("one__trashed", desired("one-and-more"), "one-and-more"),
            (f"{TRUNCATED}__trashed", desired("%d0%b6" * 100), LONG),
            # Without a slug, the post gets one from its title.
            ("__trashed", {}, "a-title"),
            ("__trashed-3", {}, "a-title"),
            ("one__trashed-two", {}, "one__trashed-two"),
        ],
    )
    def test_a_post_that_has_left_the_trash_gets_its_slug_back(
        self, import_parts: ImportParts, status: str, slug: str, more: dict[str, Any], expected: str
    ) -> None:
        parts = item(7, status=status, post_name=slug, **_dated(status), **more)
        report = import_parts(parts)
        assert Post.objects.get().slug == expected
        assert not report.notes
        assert not import_parts(parts).has_changes

    @pytest.mark.parametrize("status", ["publish", "private"])
    def test_a_published_post_keeps_its_slug(self, import_parts: ImportParts, status: str) -> None:
        import_parts(item(7, status=status, post_name="one__trashed"))
        assert Post.objects.get().slug == "one__trashed"

    def test_another_post_can_use_the_slug_of_a_trashed_post(self, import_parts: ImportParts) -> None:
        import_parts(item(7, status="trash", post_name="one__trashed", **desired("one")), item(8, post_name="one"))
        assert dict(Post.objects.values_list("pk", "slug")) == {7: "one__trashed", 8: "one"}

    def test_a_trashed_post_keeps_its_whole_slug(self, import_parts: ImportParts) -> None:
        truncated = item(7, status="trash", post_name=f"{TRUNCATED}__trashed", **desired("%d0%b6" * 100))
        report = import_parts(truncated)
        assert Post.objects.get().slug == f"{LONG}__trashed"
        assert not report.notes
        assert not import_parts(truncated).has_changes

    def test_a_slug_without_room_for_the_suffix_stays_truncated(self, import_parts: ImportParts) -> None:
        import_parts(item(7, status="trash", post_name="x" * 191 + "__trashed", **desired("x" * 200)))
        assert Post.objects.get().slug == "x" * 191 + "__trashed"

    def test_pages_are_treated_like_posts(self, import_parts: ImportParts) -> None:
        import_parts(
            page(20, status="draft", post_name="one__trashed"), page(21, status="trash", post_name="two__trashed")
        )
        assert dict(Page.objects.values_list("pk", "slug")) == {20: "one", 21: "two__trashed"}

    def test_a_post_that_leaves_the_trash_in_wordpress_is_updated(self, import_parts: ImportParts) -> None:
        trashed = item(7, status="trash", post_name="one__trashed", **desired("one"))
        import_parts(trashed)
        report = import_parts(item(7, status="draft", post_name="one"))
        assert counted(report, "post") == {"updated": 1}
        assert Post.objects.get().slug == "one"


class TestRestoredHere:
    def test_entries_get_their_slugs_back_and_the_next_import_changes_nothing(self, import_parts: ImportParts) -> None:
        parts = (
            item(7, status="trash", post_name="one__trashed", **desired("one")),
            page(20, status="trash", post_name="two__trashed", **desired("two")),
        )
        import_parts(*parts)
        editor = UserFactory(role="Editor")
        publishing.restore(Post.objects.all(), editor)
        publishing.restore(Page.objects.all(), editor)
        assert (Post.objects.get().slug, Page.objects.get().path) == ("one", "two")
        assert not Post.objects.get().redirects.exists()
        assert not import_parts(*parts).has_changes
        assert Post.objects.get().slug == "one"


class TestWithoutSlug:
    def test_a_slug_made_from_the_title_never_has_the_suffix(self, import_parts: ImportParts) -> None:
        title = {"title": "One__trashed", "post_name": ""}
        import_parts(item(7, **title), item(8, status="trash", **title), page(20, status="draft", **title))
        assert dict(Post.objects.values_list("pk", "slug")) == {7: "one", 8: "one-2"}
        assert Page.objects.get().slug == "one"


class TestExported:
    def test_slugs_are_exported_as_in_wordpress(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(
            item(7, status="trash", post_name="one__trashed", **desired("one")),
            item(8, status="trash", post_name=f"{TRUNCATED}__trashed", **desired("%d0%b6" * 100)),
            item(9, status="trash", post_name="plain"),
        )
        path = exported(tmp_path)
        text = path.read_text(encoding="utf-8")
        assert "<wp:post_name><![CDATA[one__trashed]]>" in text
        assert f"<wp:post_name><![CDATA[{TRUNCATED}__trashed]]>" in text
        found = items(path)
        assert dict(found["post", 7].meta)["_wp_desired_post_slug"] == "one"
        assert dict(found["post", 8].meta)["_wp_desired_post_slug"] == "%d0%b6" * 100
        assert "_wp_desired_post_slug" not in dict(found["post", 9].meta)

    @pytest.mark.django_db(transaction=True)
    def test_export_and_import_change_nothing(self, import_parts: ImportParts, tmp_path: Path) -> None:
        import_parts(
            item(7, status="trash", post_name=f"{TRUNCATED}__trashed-2", **desired("%d0%b6" * 100)),
            page(20, status="trash", post_name="__trashed"),
        )
        before = [*Post.objects.values_list("pk", "slug"), *Page.objects.values_list("pk", "slug")]
        path = exported(tmp_path)
        call_command("flush", interactive=False, verbosity=0)
        import_export([path])
        assert [*Post.objects.values_list("pk", "slug"), *Page.objects.values_list("pk", "slug")] == before
        assert before == [(7, f"{LONG}__trashed-2"), (20, "__trashed")]
