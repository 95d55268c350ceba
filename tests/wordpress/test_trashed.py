"""WordPress puts `__trashed` behind the slugs of what is in its trash: here they have their own again afterwards."""

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from blog import publishing
from blog.models import Page, Post
from tests.factories import UserFactory
from tests.wordpress.conftest import Bring
from tests.wordpress.exports import item, meta, page
from tests.wordpress.reports import counted
from tests.wordpress.test_exporting import exported, items
from wordpress.importing import import_export

pytestmark = pytest.mark.django_db

# 100 letters, which WordPress stores as 600.
LONG = "ж" * 100
# As much of it as fits before the ending.
CUT = "%d0%b6" * 31


def desired(slug: str) -> dict[str, Any]:
    return {"inside": [meta("_wp_desired_post_slug", slug)]}


class TestImported:
    @pytest.mark.parametrize("status", ["draft", "pending"])
    @pytest.mark.parametrize(
        ("slug", "more", "expected"),
        [
            ("one__trashed", {}, "one"),
            ("one__trashed-2", {}, "one"),
            ("one__trashed", desired("one-and-more"), "one-and-more"),
            (f"{CUT}__trashed", desired("%d0%b6" * 100), LONG),
            # It had none: it gets one from its title.
            ("__trashed", {}, "a-title"),
            ("__trashed-3", {}, "a-title"),
            ("one__trashed-two", {}, "one__trashed-two"),
        ],
    )
    def test_out_of_the_trash_it_has_its_own(
        self, bring: Bring, status: str, slug: str, more: dict[str, Any], expected: str
    ) -> None:
        report = bring(item(7, status=status, post_name=slug, **more))
        assert Post.objects.get().slug == expected
        assert not report.notes
        assert not bring(item(7, status=status, post_name=slug, **more)).has_changes

    @pytest.mark.parametrize("status", ["publish", "future", "private"])
    def test_what_has_an_address_keeps_it(self, bring: Bring, status: str) -> None:
        date = "2090-01-01 00:00:00" if status == "future" else "2014-03-01 09:30:00"
        bring(item(7, status=status, post_name="one__trashed", post_date=date, post_date_gmt=date))
        assert Post.objects.get().slug == "one__trashed"

    def test_in_the_trash_it_leaves_its_slug_to_others(self, bring: Bring) -> None:
        bring(item(7, status="trash", post_name="one__trashed", **desired("one")), item(8, post_name="one"))
        assert dict(Post.objects.values_list("pk", "slug")) == {7: "one__trashed", 8: "one"}

    def test_in_the_trash_it_has_the_whole_of_it(self, bring: Bring) -> None:
        cut = item(7, status="trash", post_name=f"{CUT}__trashed", **desired("%d0%b6" * 100))
        report = bring(cut)
        assert Post.objects.get().slug == f"{LONG}__trashed"
        assert not report.notes
        assert not bring(cut).has_changes

    def test_a_slug_that_leaves_no_room_stays_as_it_is(self, bring: Bring) -> None:
        bring(item(7, status="trash", post_name="x" * 191 + "__trashed", **desired("x" * 200)))
        assert Post.objects.get().slug == "x" * 191 + "__trashed"

    def test_pages_as_well(self, bring: Bring) -> None:
        bring(page(20, status="draft", post_name="one__trashed"), page(21, status="trash", post_name="two__trashed"))
        assert dict(Page.objects.values_list("pk", "slug")) == {20: "one", 21: "two__trashed"}

    def test_what_leaves_the_trash_there_is_updated(self, bring: Bring) -> None:
        trashed = item(7, status="trash", post_name="one__trashed", **desired("one"))
        bring(trashed)
        report = bring(item(7, status="draft", post_name="one"))
        assert counted(report, "post") == {"updated": 1}
        assert Post.objects.get().slug == "one"


class TestRestoredHere:
    def test_it_has_its_slug_and_the_next_import_changes_nothing(self, bring: Bring) -> None:
        parts = (
            item(7, status="trash", post_name="one__trashed", **desired("one")),
            page(20, status="trash", post_name="two__trashed", **desired("two")),
        )
        bring(*parts)
        editor = UserFactory(role="Editor")
        publishing.restore(Post.objects.all(), editor)
        publishing.restore(Page.objects.all(), editor)
        assert (Post.objects.get().slug, Page.objects.get().path) == ("one", "two")
        assert not Post.objects.get().old_addresses.exists()
        assert not bring(*parts).has_changes
        assert Post.objects.get().slug == "one"


class TestExported:
    def test_as_wordpress_has_it(self, bring: Bring, tmp_path: Path) -> None:
        bring(
            item(7, status="trash", post_name="one__trashed", **desired("one")),
            item(8, status="trash", post_name=f"{CUT}__trashed", **desired("%d0%b6" * 100)),
            item(9, status="trash", post_name="plain"),
        )
        path = exported(tmp_path)
        text = path.read_text(encoding="utf-8")
        assert "<wp:post_name><![CDATA[one__trashed]]>" in text
        assert f"<wp:post_name><![CDATA[{CUT}__trashed]]>" in text
        found = items(path)
        assert dict(found["post", 7].meta)["_wp_desired_post_slug"] == "one"
        assert dict(found["post", 8].meta)["_wp_desired_post_slug"] == "%d0%b6" * 100
        assert "_wp_desired_post_slug" not in dict(found["post", 9].meta)

    @pytest.mark.django_db(transaction=True)
    def test_out_and_in_again_is_the_same(self, bring: Bring, tmp_path: Path) -> None:
        bring(
            item(7, status="trash", post_name=f"{CUT}__trashed-2", **desired("%d0%b6" * 100)),
            page(20, status="trash", post_name="__trashed"),
        )
        before = [*Post.objects.values_list("pk", "slug"), *Page.objects.values_list("pk", "slug")]
        path = exported(tmp_path)
        call_command("flush", interactive=False, verbosity=0)
        import_export([path])
        assert [*Post.objects.values_list("pk", "slug"), *Page.objects.values_list("pk", "slug")] == before
        assert before == [(7, f"{LONG}__trashed-2"), (20, "__trashed")]
