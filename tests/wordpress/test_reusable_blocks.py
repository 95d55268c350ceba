"""Reusable blocks in the admin."""

from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django_tasks_db.models import DBTaskResult

from accounts.models import AuditRecord
from blog.models import Page, Post
from core.models import SiteSettings
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.factories.admin import client_of, user_in_role
from tests.factories.reports import counted, first
from tests.factories.types import ImportParts
from tests.factories.wxr import item
from wordpress.admin.reusable_blocks import ReusableBlockForm
from wordpress.markup import footnotes_and_blocks
from wordpress.models import Fragment, FragmentKind, ReusableBlock

pytestmark = pytest.mark.django_db

LIST_URL = "/admin/wordpress/reusableblock/"
SHOWN = '<!-- wp:block {"ref":30} /-->'


@pytest.fixture
def block() -> ReusableBlock:
    block: ReusableBlock = ReusableBlock.objects.create(
        kind="block", name="30", title="Call", text="<p>Old\r\ntext</p>"
    )
    return block


@pytest.fixture
def editor() -> Client:
    return client_of(UserFactory(role="Editor"))


def change_url(block: Fragment) -> str:
    return f"{LIST_URL}{block.pk}/change/"


def hidden_fields(block: Fragment) -> dict[str, str]:
    """Return the hidden fields of a form that is opened with the current state of `block`."""
    return {"version": ReusableBlockForm(instance=block).stored_version()}


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "status"),
        [("anonymous", 302), ("staff", 403), ("Author", 403), ("Moderator", 403), ("Editor", 200), ("superuser", 200)],
    )
    def test_only_editors_see_and_change_blocks(self, role: str, status: int, block: ReusableBlock) -> None:
        client = client_of(user_in_role(role))
        assert [client.get(path).status_code for path in (LIST_URL, change_url(block))] == [status, status]
        client.post(change_url(block), hidden_fields(block) | {"title": "Call", "text": "New text"})
        assert (ReusableBlock.objects.get().text == "New text") == (status == 200)

    @pytest.mark.parametrize("role", ["Editor", "superuser"])
    def test_blocks_cannot_be_added_or_deleted(self, role: str, block: ReusableBlock) -> None:
        client = client_of(user_in_role(role))
        assert client.get(f"{LIST_URL}add/").status_code == 403
        assert client.post(f"{LIST_URL}{block.pk}/delete/", {"post": "yes"}).status_code == 403
        client.post(LIST_URL, {"action": "delete_selected", "_selected_action": [block.pk], "post": "yes"})
        assert ReusableBlock.objects.exists()


class TestList:
    def test_list_shows_blocks_with_id_and_site_but_no_footnotes(self, editor: Client, block: ReusableBlock) -> None:
        ReusableBlock.objects.update(site="https://old.example")
        note = Fragment.objects.create(kind=FragmentKind.FOOTNOTE, name="3f1c", text="A note")
        html = editor.get(LIST_URL).text
        assert all(text in html for text in ("Call", "30", "https://old.example"))
        assert "3f1c" not in html
        assert editor.get(change_url(note)).status_code == 302

    def test_search_finds_text(self, editor: Client, block: ReusableBlock) -> None:
        ReusableBlock.objects.create(kind="block", name="31", text="Other")
        assert [result.name for result in editor.get(LIST_URL, {"q": "old"}).context["cl"].result_list] == ["30"]


@pytest.mark.django_db(transaction=True)
class TestChanging:
    def create_entries(self) -> list[Any]:
        """Return a post with the block, a post with a block that contains it, a page with it, and a post without it."""
        ReusableBlock.objects.create(kind="block", name="31", text=f"<p>Around</p>{SHOWN}")
        return [
            PostFactory(markup="wordpress", source=SHOWN),
            PostFactory(markup="wordpress", source='<!-- wp:core/block {"ref":31,"x":1} /-->'),
            PageFactory(markup="wordpress", source=SHOWN),
            PostFactory(markup="wordpress", source='<!-- wp:block {"ref":300} /--> Old text'),
        ]

    def test_change_updates_every_post_and_page_with_the_block(
        self, editor: Client, client: Client, block: ReusableBlock
    ) -> None:
        entries = self.create_entries()
        modified_at = [entry.modified_at for entry in entries]
        cache.clear()
        assert "Old" in client.get(entries[0].get_absolute_url()).text
        response = editor.post(
            change_url(block), hidden_fields(block) | {"title": "Call", "text": "<p>New text</p>"}, follow=True
        )
        assert "3 posts and pages that use this block were updated." in response.text
        assert ["New text" in client.get(entry.get_absolute_url()).text for entry in entries] == [True] * 3 + [False]
        for entry, before in zip(entries, modified_at, strict=True):
            entry.refresh_from_db()
            assert entry.modified_at == before
        assert AuditRecord.objects.filter(kind="wordpress.reusableblock").count() == 1

    def test_text_is_sanitised(self, editor: Client, block: ReusableBlock) -> None:
        post = PostFactory(markup="wordpress", source=SHOWN)
        editor.post(
            change_url(block),
            hidden_fields(block) | {"title": "", "text": "<script>alert(1)</script><p onclick='x()'>ok</p>"},
        )
        post.refresh_from_db()
        assert post.body_html.strip() == "<p>ok</p>"

    def test_worker_updates_many_posts(
        self, editor: Client, block: ReusableBlock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(footnotes_and_blocks, "MAX_RENDERED_AT_ONCE", 1)
        monkeypatch.setattr("wordpress.admin.reusable_blocks.MAX_RENDERED_AT_ONCE", 1)
        post, *_others = self.create_entries()
        version = SiteSettings.current().content_version
        response = editor.post(
            change_url(block), hidden_fields(block) | {"title": "Call", "text": "<p>New text</p>"}, follow=True
        )
        assert "3 posts and pages use this block. They will be updated within minutes." in response.text
        post.refresh_from_db()
        assert "Old" in post.body_html
        task = DBTaskResult.objects.get()
        assert task.task_path == "wordpress.markup.footnotes_and_blocks.rerender_entries"
        footnotes_and_blocks.rerender_entries.call(*task.args_kwargs["args"])
        post.refresh_from_db()
        assert "New text" in post.body_html
        assert SiteSettings.current().content_version > version

    def test_unchanged_text_is_kept_byte_for_byte(self, editor: Client, block: ReusableBlock) -> None:
        editor.post(change_url(block), hidden_fields(block) | {"title": "Another name", "text": "<p>Old\ntext</p>"})
        block.refresh_from_db()
        assert (block.title, block.text) == ("Another name", "<p>Old\r\ntext</p>")

    def test_concurrent_edit_is_detected_and_no_text_is_lost(self, editor: Client, block: ReusableBlock) -> None:
        second = {"title": "Call", "text": "By the second"} | hidden_fields(block)
        client_of(UserFactory(role="Editor")).post(change_url(block), second | {"text": "By the first"})
        response = editor.post(change_url(block), second)
        assert ReusableBlock.objects.get().text == "By the first"
        assert "saved this while you were editing" in response.text
        assert "By the second" in response.text
        new_version = response.context["adminform"].form["version"].value()
        editor.post(change_url(block), second | {"version": new_version})
        assert ReusableBlock.objects.get().text == "By the second"

    def test_text_that_is_too_long_is_rejected(self, editor: Client, block: ReusableBlock) -> None:
        response = editor.post(change_url(block), hidden_fields(block) | {"title": "", "text": "x" * 500_001})
        assert "text" in response.context["adminform"].form.errors


class TestImportingAgain:
    """Local changes are kept and conflicts are reported, as for posts."""

    def block_item(self, text: str) -> str:
        return item(30, title="Call", post_type="wp_block", guid="", content=text)

    def change(self, text: str) -> None:
        block = ReusableBlock.objects.get()
        block.text = text
        footnotes_and_blocks.save_block(block)

    def test_local_change_is_kept(self, import_parts: ImportParts) -> None:
        import_parts(self.block_item("Old"))
        self.change("Mine")
        assert not import_parts(self.block_item("Old")).has_changes
        assert ReusableBlock.objects.get().text == "Mine"

    def test_remote_change_is_imported(self, import_parts: ImportParts) -> None:
        import_parts(self.block_item("Old"))
        assert counted(import_parts(self.block_item("New")), "wp_block") == {"updated": 1}
        assert counted(import_parts(self.block_item("New")), "wp_block") == {"unchanged": 1}

    def test_conflict_keeps_the_local_text_and_is_reported(self, import_parts: ImportParts) -> None:
        import_parts(self.block_item("Old"))
        self.change("Mine")
        report = import_parts(self.block_item("New"))
        assert counted(report, "wp_block") == {"skipped": 1}
        assert "changed in the export and here" in first(report.skipped).text
        assert ReusableBlock.objects.get().text == "Mine"
        # Once both texts are the same, remote changes are imported again.
        assert counted(import_parts(self.block_item("Mine")), "wp_block") == {"unchanged": 1}
        assert counted(import_parts(self.block_item("Newest")), "wp_block") == {"updated": 1}

    def test_block_without_fingerprint_keeps_its_local_change(self, import_parts: ImportParts) -> None:
        import_parts(self.block_item("Old"))
        ReusableBlock.objects.update(exported="")
        self.change("Mine")
        assert not import_parts(self.block_item("Old")).has_changes
        assert ReusableBlock.objects.get().text == "Mine"

    def test_imported_posts_show_the_local_text(self, import_parts: ImportParts) -> None:
        import_parts(self.block_item("Old"))
        self.change("Mine")
        import_parts(self.block_item("Old"), item(7, content=SHOWN))
        assert "Mine" in Post.objects.get().body_html
        assert not Page.objects.exists()
