"""Shared blocks in the admin."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.test import Client
from django_tasks_db.models import DBTaskResult

from blog.models import Page, Post, SiteSettings
from tests.blog.desk import at_desk, person
from tests.factories import PageFactory, PostFactory, UserFactory
from tests.wordpress.conftest import Bring
from tests.wordpress.exports import item
from tests.wordpress.reports import counted, first
from wordpress import blocks
from wordpress.memory import of_row
from wordpress.models import Fragment, SharedBlock

pytestmark = pytest.mark.django_db

LIST = "/admin/wordpress/sharedblock/"
SHOWN = '<!-- wp:block {"ref":30} /-->'


@pytest.fixture
def block() -> SharedBlock:
    block: SharedBlock = SharedBlock.objects.create(kind="block", name="30", title="Call", text="<p>Old\r\nwords</p>")
    return block


@pytest.fixture
def desk() -> Client:
    return at_desk(UserFactory(role="Editor"))


def page_of(block: Fragment) -> str:
    return f"{LIST}{block.pk}/change/"


def opened(block: Fragment) -> dict[str, str]:
    """What the form sends of itself if `block` is as it is now when somebody opens it."""
    return {"version": of_row(block.title, block.text)}


class TestRoles:
    @pytest.mark.parametrize(
        ("role", "status"),
        [("nobody", 302), ("staff", 403), ("Author", 403), ("Moderator", 403), ("Editor", 200), ("superuser", 200)],
    )
    def test_who_sees_and_changes_them(self, role: str, status: int, block: SharedBlock) -> None:
        desk = at_desk(person(role))
        assert [desk.get(path).status_code for path in (LIST, page_of(block))] == [status, status]
        desk.post(page_of(block), opened(block) | {"title": "Call", "text": "New words"})
        assert (SharedBlock.objects.get().text == "New words") == (status == 200)

    @pytest.mark.parametrize("role", ["Editor", "superuser"])
    def test_nobody_adds_or_deletes_one(self, role: str, block: SharedBlock) -> None:
        desk = at_desk(person(role))
        assert desk.get(f"{LIST}add/").status_code == 403
        assert desk.post(f"{LIST}{block.pk}/delete/", {"post": "yes"}).status_code == 403
        desk.post(LIST, {"action": "delete_selected", "_selected_action": [block.pk], "post": "yes"})
        assert SharedBlock.objects.exists()


class TestList:
    def test_names_them_with_number_and_blog_and_no_footnotes(self, desk: Client, block: SharedBlock) -> None:
        SharedBlock.objects.update(site="https://old.example")
        note = Fragment.objects.create(kind=Fragment.Kind.NOTE, name="3f1c", text="A note")
        text = desk.get(LIST).text
        assert all(words in text for words in ("Call", "30", "https://old.example"))
        assert "3f1c" not in text
        assert desk.get(page_of(note)).status_code == 302

    def test_search(self, desk: Client, block: SharedBlock) -> None:
        SharedBlock.objects.create(kind="block", name="31", text="Other")
        assert [found.name for found in desk.get(LIST, {"q": "old"}).context["cl"].result_list] == ["30"]


@pytest.mark.django_db(transaction=True)
class TestChanging:
    def texts(self) -> list[Any]:
        """One that shows it, one that shows one that shows it, a page, and one that does not."""
        SharedBlock.objects.create(kind="block", name="31", text=f"<p>Around</p>{SHOWN}")
        return [
            PostFactory(markup="wordpress", source=SHOWN),
            PostFactory(markup="wordpress", source='<!-- wp:core/block {"ref":31,"x":1} /-->'),
            PageFactory(markup="wordpress", source=SHOWN),
            PostFactory(markup="wordpress", source='<!-- wp:block {"ref":300} /--> Old words'),
        ]

    def test_every_text_that_shows_it_shows_it_so(self, desk: Client, client: Client, block: SharedBlock) -> None:
        entries = self.texts()
        moments = [entry.modified_at for entry in entries]
        cache.clear()
        assert "Old" in client.get(entries[0].get_absolute_url()).text
        answer = desk.post(page_of(block), opened(block) | {"title": "Call", "text": "<p>New words</p>"}, follow=True)
        assert "3 texts that show it have changed." in answer.text
        assert ["New words" in client.get(entry.get_absolute_url()).text for entry in entries] == [True] * 3 + [False]
        for entry, moment in zip(entries, moments, strict=True):
            entry.refresh_from_db()
            assert entry.modified_at == moment
        assert LogEntry.objects.count() == 1

    def test_what_it_says_is_as_untrusted_as_texts(self, desk: Client, block: SharedBlock) -> None:
        post = PostFactory(markup="wordpress", source=SHOWN)
        desk.post(
            page_of(block), opened(block) | {"title": "", "text": "<script>alert(1)</script><p onclick='x()'>ok</p>"}
        )
        post.refresh_from_db()
        assert post.body_html.strip() == "<p>ok</p>"

    def test_many_are_left_to_the_worker(
        self, desk: Client, block: SharedBlock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(blocks, "AT_ONCE", 1)
        monkeypatch.setattr("wordpress.admin.blocks.AT_ONCE", 1)
        post, *_others = self.texts()
        version = SiteSettings.current().content_version
        answer = desk.post(page_of(block), opened(block) | {"title": "Call", "text": "<p>New words</p>"}, follow=True)
        assert "3 texts show it: the worker changes them within minutes." in answer.text
        post.refresh_from_db()
        assert "Old" in post.body_html
        task = DBTaskResult.objects.get()
        assert task.task_path == "wordpress.blocks.show_later"
        blocks.show_later.call(*task.args_kwargs["args"])
        post.refresh_from_db()
        assert "New words" in post.body_html
        assert SiteSettings.current().content_version > version

    def test_what_nobody_touched_stays_byte_for_byte(self, desk: Client, block: SharedBlock) -> None:
        desk.post(page_of(block), opened(block) | {"title": "Another name", "text": "<p>Old\nwords</p>"})
        block.refresh_from_db()
        assert (block.title, block.text) == ("Another name", "<p>Old\r\nwords</p>")

    def test_second_person_is_told_and_loses_nothing(self, desk: Client, block: SharedBlock) -> None:
        second = {"title": "Call", "text": "By the second"} | opened(block)
        at_desk(UserFactory(role="Editor")).post(page_of(block), second | {"text": "By the first"})
        answer = desk.post(page_of(block), second)
        assert SharedBlock.objects.get().text == "By the first"
        assert "This was saved from elsewhere" in answer.text
        assert "By the second" in answer.text
        told = answer.context["adminform"].form["version"].value()
        desk.post(page_of(block), second | {"version": told})
        assert SharedBlock.objects.get().text == "By the second"

    def test_too_long_a_text_is_refused(self, desk: Client, block: SharedBlock) -> None:
        answer = desk.post(page_of(block), opened(block) | {"title": "", "text": "x" * 500_001})
        assert "text" in answer.context["adminform"].form.errors


class TestImportingAgain:
    """As with texts: what was changed here stays, and is named if it was changed there too."""

    def exported(self, text: str) -> str:
        return item(30, title="Call", post_type="wp_block", guid="", content=text)

    def change(self, text: str) -> None:
        block = SharedBlock.objects.get()
        block.text = text
        blocks.change(block)

    def test_what_was_changed_here_alone_stays(self, bring: Bring) -> None:
        bring(self.exported("Old"))
        self.change("Mine")
        assert not bring(self.exported("Old")).has_changes
        assert SharedBlock.objects.get().text == "Mine"

    def test_what_was_changed_there_alone_is_updated(self, bring: Bring) -> None:
        bring(self.exported("Old"))
        assert counted(bring(self.exported("New")), "wp_block") == {"updated": 1}
        assert counted(bring(self.exported("New")), "wp_block") == {"unchanged": 1}

    def test_what_was_changed_on_both_sides_stays_and_is_named(self, bring: Bring) -> None:
        bring(self.exported("Old"))
        self.change("Mine")
        report = bring(self.exported("New"))
        assert counted(report, "wp_block") == {"skipped": 1}
        assert "changed in the export and here" in first(report.skipped).text
        assert SharedBlock.objects.get().text == "Mine"
        # Once it says there what it says here, they go together again.
        assert counted(bring(self.exported("Mine")), "wp_block") == {"unchanged": 1}
        assert counted(bring(self.exported("Newest")), "wp_block") == {"updated": 1}

    def test_one_that_came_before_this_was_remembered(self, bring: Bring) -> None:
        bring(self.exported("Old"))
        SharedBlock.objects.update(exported="")
        self.change("Mine")
        assert not bring(self.exported("Old")).has_changes
        assert SharedBlock.objects.get().text == "Mine"

    def test_texts_of_an_import_show_what_it_says_here(self, bring: Bring) -> None:
        bring(self.exported("Old"))
        self.change("Mine")
        bring(self.exported("Old"), item(7, content=SHOWN))
        assert "Mine" in Post.objects.get().body_html
        assert not Page.objects.exists()
