"""A withdrawn name is removed from everything that is stored and served, and comes back if that is undone."""

import datetime as dt
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.models import Portrait, User
from blog.appearance.documents import default_document
from blog.editing.advice import advice_for
from blog.models import AppearanceVersion, Autosave, Enclosure, Entry, Page, Post, Redirect, Revision, SiteAppearance
from comments.models import Block, Comment, CommentStatus, Follower, Lesson, Token
from comments.moderation.decisions import approve
from comments.rules import bayes
from core.changes import entries_changed
from core.models import SiteSettings
from media.documents import store_document
from media.models import Document, Picture
from newsletter.models import Frequency, SubscriptionRequest
from operations.models import GoneUrl, Withdrawal, WithdrawalState, WithdrawnRow
from operations.withdrawals import lifecycle, working
from operations.withdrawals.encryption import UnreadableError
from operations.withdrawals.files import free_name
from operations.withdrawals.matching import Name
from operations.withdrawals.places import places
from operations.withdrawals.tasks import do_upkeep
from operations.withdrawals.working import work
from readers.models import ReferrerCount
from search.models import STALE, IndexedEntry
from tags.models import FormerName, Tag, TagAlias, TagChange
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory
from tests.factories.admin import client_of, form_data
from tests.factories.crawling import crawl, exports
from tests.factories.database import everything_stored, rows_of_all
from tests.factories.files import pdf_file, picture_file
from tests.factories.types import AtOnce
from wordpress.models import Attachment, ExportJob, ExportState, Fragment, FragmentKind, PreservedData
from wordpress.uploads.folder import JobFolder

pytestmark = pytest.mark.django_db

FOREVER = float("inf")
NAME = Name(["Ann Lée"])
DAY = dt.timedelta(days=1)


def withdraw(*spellings: str, replacement: str = "[name withdrawn]", left: tuple[str, ...] = ()) -> Withdrawal:
    """Withdraw a name as an owner does: search for it, then replace it."""
    withdrawal = lifecycle.start(spellings or ["Ann Lée"], replacement, None)
    assert work(withdrawal, FOREVER)
    assert withdrawal.state == WithdrawalState.FOUND
    assert lifecycle.carry_out(withdrawal, left)
    assert work(withdrawal, FOREVER)
    assert withdrawal.state == WithdrawalState.DONE
    return withdrawal


def undo(withdrawal: Withdrawal) -> Withdrawal:
    assert lifecycle.undo(withdrawal)
    assert work(withdrawal, FOREVER)
    assert withdrawal.state == WithdrawalState.UNDONE
    return withdrawal


def stored_files() -> dict[str, int]:
    """Return the names and sizes of all files in the storage."""
    storage: Any = default_storage
    return dict(storage.sizes(""))


def status_of(client: Client, url: str) -> int:
    response: Any = client.get(url)
    if response.streaming:
        # Read the file to its end, which closes it.
        b"".join(response.streaming_content)
    return int(response.status_code)


@pytest.fixture
def planted(django_capture_on_commit_callbacks: Callable[..., Any]) -> list[str]:
    """Put the name in all kinds of places on the site, and return the URLs that contain it."""
    with django_capture_on_commit_callbacks(execute=True):
        return plant()


def imported_picture(name: str, **fields: str) -> Picture:
    """Store an image under its own name, as an import does. Uploads get random names."""
    file = default_storage.save(f"pictures/2014/02/{name}", picture_file())
    return Picture.objects.create(file=file, **fields)


def plant() -> list[str]:
    site = SiteSettings.current()
    site.title, site.tagline, site.footer, site.show_author = "Friends of Ann Lée", "For Ann Lee", "© Ann Lée", True
    site.save()
    link = {"title": "Ann Lée", "url": "https://example.org/ann-lee/"}
    text = {"kind": "text", "title": "On Ann Lée", "options": {"text": "For Ann Lée"}}
    appearance = {**default_document(), "footer": "© *Ann Lée*", "header_menu": [link], "blocks": [text]}
    SiteAppearance.objects.update(document=appearance, draft={**appearance, "css": "/* Ann Lée */"})
    AppearanceVersion.objects.create(document=appearance)
    author = UserFactory(display_name="Ann Lée", slug="ann-lee", bio="Ann Lée writes.", username="al")
    Portrait.objects.create(person=author, name="Ann Lée", image=b"A picture", digest="0123456789abcdef")
    tag, other = Tag.objects.create(name="Ann Lée", description="All about Ann Lée"), TagFactory(name="Lee, Ann")
    TagAlias.objects.create(tag=tag, slug="ann-lee-old")
    FormerName.objects.give({"Ann Lee (old)": other.pk})
    TagChange.objects.create(kind="rename", summary="Renamed to Ann Lée", data={"name": "Ann Lée"})
    category = CategoryFactory(name="Case of Ann Lée", description="Ann Lée’s trial")
    below = CategoryFactory(name="Letters", parent=category)
    picture = imported_picture("Ann_Lee.png", title="Ann Lée", alt="Ann Lée smiles", caption="Photo: Ann Lée")
    document = store_document(pdf_file(name="ann-lee-report.pdf"), title="Report on Ann Lée", by=author)
    post = PostFactory(
        title="Free Ann Lée",
        author=author,
        tags=[tag, other],
        categories=[category, below],
        excerpt="Ann Lée is in prison.",
        source=(
            f"Words about **Ann** Lée, A&#110;n L&eacute;e and <em>Ann</em>\nLée.\n\n![Ann Lée]({picture.file.url})\n\n"
            f"[It]({document.file.url}) [Ann](https://example.org/ann-lee/) Lée\n\n## On Ann Lée\n\nAnnual Leeds."
        ),
        featured_picture=picture,
    )
    Revision.of(post, None).save()
    linking = PostFactory(source=f"See [this]({post.get_absolute_url()}) and [that](/tag/ann-lee/).", author=author)
    page = PageFactory(title="Ann Lée", source="About Ann Lée.")
    PageFactory(title="Below", parent=page, source="Nothing.")
    reply = CommentFactory(entry=post, name="Ann Lée", website="https://ann-lee.example.org/", text="I am Ann Lée.")
    CommentFactory(entry=post, text="Thank you, ANN LEE!", parent=reply)
    html = Comment(entry=post, name="X", text="<b>Ann</b> Lée", is_html=True, status="approved")
    html.save()
    Follower.objects.create(entry=post, email="ann.lee@example.org")
    Block.objects.create(text="Ann Lée")
    Redirect.objects.create(path="/old/ann-lee/", entry=post)
    Enclosure.objects.create(post=post, url="https://example.org/ann-lee.mp3", media_type="audio/mpeg")
    Autosave.objects.create(user=author, kind="post", entry=post, data={"title": ["Ann Lée"]}, seen_at=timezone.now())
    PreservedData.objects.create(entry=linking, fields={"meta": [["seo_title", "Ann Lée"]]})
    Attachment.objects.create(
        url="https://old.example.org/ann-lee.jpg", path="old.example.org/ann-lee.jpg", title="Ann Lée"
    )
    Fragment.objects.create(kind=FragmentKind.BLOCK, name="7", title="On Ann Lée", text="Ann Lée")
    record(Action.CHANGED, [post], by=author, details="Ann Lée")
    day = dt.date(2026, 7, 14)
    ReferrerCount.objects.create(day=day, host="ann-lee.example.org", count=7)
    SubscriptionRequest.objects.create(
        email="ann.lee@example.org", frequency=Frequency.IMMEDIATELY, consent_stated_on=day, language="en"
    )
    urls = [each.get_absolute_url() for each in (post, page, tag, category, below, author)]
    return [
        *urls,
        picture.file.url,
        document.file.url,
        "/old/ann-lee/",
        "/tag/ann-lee-old/",
        f"{tag.get_absolute_url()}feed/",
    ]


class TestEverywhere:
    def test_the_name_is_gone_from_pages_exports_rows_and_file_names(self, planted: list[str], tmp_path: Path) -> None:
        before = dict(crawl(planted)) | exports(tmp_path / "before")
        assert sum(bool(NAME.find(body.decode(errors="replace"))) for body in before.values()) > 30
        assert NAME.find(everything_stored())
        withdrawal = withdraw()
        pages = dict(crawl()) | exports(tmp_path / "after")
        assert [url for url, body in pages.items() if NAME.find(f"{url}\n{body.decode(errors='replace')}")] == []
        stored = "\n".join(line for line in everything_stored().splitlines() if not line.startswith("operations_"))
        assert [stored[max(0, start - 200) : end] for start, end in NAME.find(stored)] == []
        assert not any(NAME.find(name) for name in stored_files())
        # The name was in this many kinds of places.
        assert len(withdrawal.counts) >= 18

    def test_a_search_for_the_name_finds_nothing(self, planted: list[str], client: Client) -> None:
        searches = ["/?s=%22Ann+Lee%22", "/?s=tag:%22Ann+Lee%22", "/?s=%22Ann+Lee%22&kind=comments"]
        assert all("Nothing was found" not in client.get(search).content.decode() for search in searches)
        withdraw()
        assert all("Nothing was found" in client.get(search).content.decode() for search in searches)

    def test_urls_with_the_name_are_gone(self, planted: list[str], client: Client) -> None:
        assert {status_of(client, url) for url in planted} <= {200, 301}
        withdraw()
        # A category is found by the last part of any URL, so the redirect doesn't reveal the name.
        moved = {"/category/case-of-ann-lee/letters/": 301}
        assert {url: status_of(client, url) for url in planted} == dict.fromkeys(planted, 410) | moved
        # A page that never existed is still answered with 404.
        assert client.get("/ann/").status_code == 404

    def test_links_within_the_site_point_to_the_new_urls(self, planted: list[str], client: Client) -> None:
        withdraw()
        linking = Post.objects.get(source__startswith="See ")
        post = Post.objects.get(title="Free [name withdrawn]")
        assert f'href="{post.get_absolute_url()}"' in linking.body
        picture, document = Picture.objects.get(), Document.objects.get()
        assert picture.file.url in post.body
        assert document.file.url in post.body
        for url in (picture.file.url, document.file.url, post.get_absolute_url(), "/tag/name-withdrawn/"):
            assert status_of(client, url) == 200

    def test_similar_names_are_not_changed(self, planted: list[str]) -> None:
        withdraw()
        assert "Annual Leeds." in Post.objects.get(title="Free [name withdrawn]").source
        assert Tag.objects.filter(name="Lee, Ann", slug="lee-ann").exists()

    def test_accounts_can_still_log_in(self, planted: list[str]) -> None:
        User.objects.filter(username="al").update(first_name="Ann", last_name="Lée", email="ann.lee@example.org")
        withdraw()
        person = User.objects.get(username="al")
        assert person.display_name == "[name withdrawn]"
        assert person.shown_portrait is None
        assert person.email == "ann.lee@example.org"

    def test_every_text_column_is_searched(self) -> None:
        found = {place.label: set(place.names) for place in places()}
        assert {"title", "slug", "path", "source", "excerpt", "guid", "body_html"} <= found["blog.entry"]
        assert found["blog.revision"] >= {"title", "source", "settings"}
        assert found["comments.comment"] >= {"name", "email", "website", "text", "html", "reasons"}
        assert found["wordpress.preserveddata"] >= {"fields"}
        assert found["admin.logentry"] >= {"object_repr", "change_message"}
        assert "accounts.session" not in found
        assert "username" not in found["accounts.user"]


class TestUndoing:
    @pytest.mark.parametrize("batch_size", [100, 1])
    def test_restores_everything(
        self, planted: list[str], tmp_path: Path, batch_size: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(working, "_ROWS", batch_size)
        before = dict(crawl(planted)) | exports(tmp_path / "before")
        rows = rows_of_all(without_version=True)
        files = stored_files()
        undo(withdraw())
        assert rows_of_all(without_version=True) == rows
        assert stored_files() == files
        after = dict(crawl(planted)) | exports(tmp_path / "after")
        assert {url for url in before if before[url] != after.get(url)} == set()
        assert after.keys() == before.keys()
        assert not WithdrawnRow.objects.exists()
        assert not GoneUrl.objects.exists()

    def test_leaves_content_alone_that_was_changed_since(self, planted: list[str]) -> None:
        withdrawal = withdraw()
        post = Post.objects.get(title="Free [name withdrawn]")
        post.title = "Freed"
        post.save()
        Comment.objects.filter(name="[name withdrawn]").update(text="I am someone else.")
        Tag.objects.filter(slug="name-withdrawn").first().delete()  # type: ignore[union-attr]  # there is one
        undo(withdrawal)
        post.refresh_from_db()
        assert (post.title, post.slug) == ("Freed", "free-name-withdrawn")
        labels = {label for label, _pk in withdrawal.left_alone}
        assert {"blog.entry", "comments.comment", "tags.tag"} <= labels
        # Everything else is restored.
        assert Page.objects.filter(title="Ann Lée").exists()

    def test_keeps_changes_to_other_fields(self, planted: list[str]) -> None:
        withdrawal = withdraw()
        post = Post.objects.get(title="Free [name withdrawn]")
        post.comments_open = False
        post.save()
        undo(withdrawal)
        changed_at = post.modified_at
        post.refresh_from_db()
        assert post.title == "Free Ann Lée"
        assert not post.comments_open
        assert post.modified_at == changed_at

    def test_does_not_bring_back_a_name_that_was_withdrawn_later(self) -> None:
        post = PostFactory(title="Ann Lée and Bo Chen")
        first = withdraw(replacement="A")
        second = withdraw("Bo Chen", replacement="B")
        undo(first)
        post.refresh_from_db()
        assert post.title == "A and B"
        assert first.left_alone == [["blog.entry", str(post.pk)]]
        undo(second)
        post.refresh_from_db()
        assert post.title == "A and Bo Chen"

    def test_leaves_a_page_alone_if_its_url_is_taken(self) -> None:
        page = PageFactory(title="Ann Lée")
        withdrawal = withdraw()
        PageFactory(title="Ann Lée")
        undo(withdrawal)
        page.refresh_from_db()
        assert page.slug == "name-withdrawn"
        assert withdrawal.left_alone == [["blog.entry", str(page.pk)]]

    def test_is_possible_before_the_withdrawal_is_done(
        self, planted: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rows = rows_of_all(without_version=True)
        withdrawal = lifecycle.start(["Ann Lée"], "X", None)
        work(withdrawal, FOREVER)
        lifecycle.carry_out(withdrawal)
        monkeypatch.setattr(working, "_ROWS", 1)
        assert not work(withdrawal, 0)
        while not withdrawal.counts:
            work(withdrawal, 0)
        undo(withdrawal)
        assert rows_of_all(without_version=True) == rows


class TestSearching:
    def test_the_preview_changes_nothing(self, planted: list[str]) -> None:
        rows = rows_of_all()
        withdrawal = lifecycle.start(["Ann Lée"], "X", None)
        work(withdrawal, FOREVER)
        assert rows_of_all() == rows
        secret = lifecycle.secret_of(withdrawal)
        assert {finding.place for finding in secret.findings} == set(withdrawal.counts)
        assert sum(withdrawal.counts.values()) == len(secret.findings)
        finding = next(finding for finding in secret.findings if finding.place == "blog.category")
        assert (finding.before, finding.found, finding.after) == ("Case of", "Ann Lée", "")

    def test_as_many_places_are_replaced_as_were_found(self, planted: list[str]) -> None:
        withdrawal = lifecycle.start(["Ann Lée"], "X", None)
        work(withdrawal, FOREVER)
        found = dict(withdrawal.counts)
        lifecycle.carry_out(withdrawal)
        work(withdrawal, FOREVER)
        assert withdrawal.counts == found

    def test_other_spellings_on_the_site_are_suggested(self, planted: list[str]) -> None:
        withdrawal = lifecycle.start(["Ann Lée"], "X", None)
        work(withdrawal, FOREVER)
        assert "Lée, Ann" in lifecycle.secret_of(withdrawal).suggestions

    def test_rows_can_be_left_alone(self) -> None:
        hers, theirs = PostFactory(title="Ann Lée"), PostFactory(title="Ann Lée, the singer")
        withdraw(left=(f"blog.entry:{theirs.pk}",))
        hers.refresh_from_db()
        theirs.refresh_from_db()
        assert (hers.title, theirs.title) == ("[name withdrawn]", "Ann Lée, the singer")

    def test_only_one_withdrawal_runs_at_a_time(self) -> None:
        lifecycle.start(["Ann Lée"], "X", None)
        with pytest.raises(lifecycle.AnotherActiveError):
            lifecycle.start(["Bo Chen"], "X", None)


class TestWorking:
    def test_any_process_continues_where_another_was_killed(
        self, planted: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(working, "_ROWS", 2)
        withdrawal = lifecycle.start(["Ann Lée"], "X", None)
        steps = 0
        while withdrawal.state != WithdrawalState.DONE:
            # Load it again for each step, as a new process would.
            withdrawal = Withdrawal.objects.get(pk=withdrawal.pk)
            if withdrawal.state == WithdrawalState.FOUND:
                lifecycle.carry_out(withdrawal)
            work(withdrawal, 0)
            steps += 1
        assert steps > 50
        assert not NAME.find(repr(rows_of_all()))

    def test_a_step_is_taken_only_once(self, planted: list[str]) -> None:
        withdrawal = lifecycle.start(["Ann Lée"], "X", None)
        work(withdrawal, FOREVER)
        lifecycle.carry_out(withdrawal)
        same = Withdrawal.objects.get(pk=withdrawal.pk)
        assert not work(withdrawal, 0)
        count = WithdrawnRow.objects.count()
        # The other process is a step behind.
        assert not lifecycle.take_step(same, done=1)
        assert WithdrawnRow.objects.count() == count

    def test_the_search_ends_when_the_withdrawal_is_discarded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        withdrawal = lifecycle.start(["Ann Lée"], "X", None)
        next_rows = working._next_rows

        def discard(searched: Withdrawal) -> Any:
            lifecycle.discard(searched)
            return next_rows(searched)

        monkeypatch.setattr(working, "_next_rows", discard)
        assert work(withdrawal, FOREVER)
        assert not Withdrawal.objects.exists()

    def test_texts_saved_during_a_pass_are_found_in_the_next_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        PostFactory(title="Ann Lée")
        late = PostFactory(title="Nothing")
        monkeypatch.setattr(working, "_ROWS", 1)
        withdrawal = lifecycle.start(["Ann Lée"], "X", None)
        work(withdrawal, FOREVER)
        lifecycle.carry_out(withdrawal)
        while withdrawal.cursor.get("place") != "comments.token":
            work(withdrawal, 0)
            if not withdrawal.is_active:
                break
            if withdrawal.cursor.get("place", "") > "blog.entry" and late.title == "Nothing":
                late.title = "Ann Lée again"
                late.save()
        work(withdrawal, FOREVER)
        late.refresh_from_db()
        assert late.title == "X again"

    def test_the_search_index_is_up_to_date_at_the_end(self) -> None:
        tag = TagFactory(name="Ann Lée")
        posts = PostFactory.create_batch(3, tags=[tag])
        entries_changed([post.pk for post in posts])
        withdraw()
        assert not IndexedEntry.objects.filter(digest=STALE).exists()
        call_command("rebuild_search", "--check", stdout=StringIO())

    def test_names_that_become_the_same_are_numbered(self) -> None:
        tags = [Tag.objects.create(name=name) for name in ("Ann Lée", "Lée Ann")]
        pages = [PageFactory(title=title) for title in ("Ann Lée", "Lée Ann")]
        pictures = [imported_picture(name) for name in ("ann-lee.png", "lee-ann.png")]
        post = PostFactory(source=" ".join(f"![x]({picture.file.url})" for picture in pictures))
        withdrawal = withdraw("Ann Lée", "Lée Ann", replacement="X")
        for each in (*tags, *pages, *pictures, post):
            each.refresh_from_db()
        assert [(tag.name, tag.slug) for tag in tags] == [("X", "x"), ("X 2", "x-2")]
        assert [page.path for page in pages] == ["x", "x-2"]
        assert len({picture.file.name for picture in pictures}) == 2
        # The post still refers to the same images.
        assert post.source == " ".join(f"![x]({picture.file.url})" for picture in pictures)
        undo(withdrawal)
        tags[1].refresh_from_db()
        assert (tags[1].name, tags[1].slug) == ("Lée Ann", "lee-ann")

    def test_a_free_file_name_is_found_with_few_queries(self) -> None:
        file = Document._meta.get_field("file")
        names = ["a/x.pdf", *(f"a/x-{number}.pdf" for number in range(2, 1_000))]
        Document.objects.bulk_create(Document(file=name) for name in names)
        with CaptureQueriesContext(connection) as queries:
            assert free_name(file, "a/x.pdf") == "a/x-1000.pdf"
        assert len(queries) < 25
        Document.objects.filter(file="a/x-2.pdf").delete()
        assert free_name(file, "a/x.pdf") in {"a/x-2.pdf", "a/x-1000.pdf"}
        assert free_name(file, "a/y.pdf") == "a/y.pdf"

    def test_texts_that_still_render_the_name_are_listed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        post = PostFactory(title="x", source="Ann Lée")
        # The name isn't in the source, but in its rendering.
        monkeypatch.setattr(Entry, "render", lambda entry: setattr(entry, "body_html", "<p>Ann Lée</p>"))
        withdrawal = withdraw()
        assert withdrawal.by_hand == [["blog.entry", str(post.pk)]]
        assert not NAME.find(Entry.objects.get(pk=post.pk).body_html)


def written(**fields: Any) -> str:
    """Return the page that an editor sees after saving a new draft."""
    editor = UserFactory(role="Editor")
    response = client_of(editor).post("/admin/blog/post/add/", form_data(author=editor.pk, **fields), follow=True)
    assert Post.objects.filter(title=fields["title"]).exists()
    return str(response.content.decode())


class TestReappearance:
    def test_the_name_is_replaced_within_a_day(self) -> None:
        withdrawal = withdraw()
        post = PostFactory(title="Ann Lée is back")
        do_upkeep.call()
        post.refresh_from_db()
        assert post.title == "[name withdrawn] is back"
        withdrawal.refresh_from_db()
        assert withdrawal.state == WithdrawalState.DONE
        undo(withdrawal)
        post.refresh_from_db()
        assert post.title == "Ann Lée is back"

    def test_writers_are_warned_when_they_save_the_name(self) -> None:
        withdraw()
        assert "a name that was withdrawn" in written(title="Ann Lée", source="Words.")
        assert "a name that was withdrawn" not in written(title="Someone", source="Words.")

    def test_writers_are_advised_before_they_publish_the_name(self) -> None:
        withdraw()
        (sentence,) = [text for text in advice_for(Post(title="Ann Lée"), [], []).sentences if "withdrawn" in text]
        assert sentence.startswith("This contains a name that was withdrawn")

    def test_writers_are_not_warned_after_an_undone_withdrawal(self) -> None:
        undo(withdraw())
        assert "a name that was withdrawn" not in written(title="Ann Lée", source="Words.")

    def test_forms_that_were_opened_before_the_withdrawal_are_refused(self) -> None:
        post = PostFactory(title="x", source="Ann Lée")
        data = form_data(post, source="Ann Lée, free")
        withdraw()
        client = client_of(UserFactory(role="Editor"))
        response = client.post(f"/admin/blog/post/{post.pk}/change/", data)
        assert "Someone else saved this while you were editing" in response.text


class TestStoredData:
    def test_the_name_cannot_be_read_without_the_key(self, planted: list[str], settings: Settings) -> None:
        withdrawal = withdraw()
        about = "\n".join(line for line in everything_stored().splitlines() if line.startswith("operations_"))
        assert "operations_withdrawnrow" in about
        assert not NAME.find(about)
        settings.SECRET_KEY = "another" * 10
        with pytest.raises(UnreadableError):
            lifecycle.secret_of(withdrawal)

    def test_the_name_can_be_read_with_a_former_key(self, settings: Settings) -> None:
        post = PostFactory(title="Ann Lée")
        withdrawal = withdraw()
        settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
        settings.SECRET_KEY = "another" * 10
        undo(withdrawal)
        post.refresh_from_db()
        assert post.title == "Ann Lée"

    def test_a_withdrawal_becomes_final_after_some_days(self, settings: Settings) -> None:
        settings.BROADSIDE_WITHDRAWAL_UNDO_DAYS = 3
        PostFactory(title="Ann Lée")
        withdrawal = withdraw()
        assert withdrawal.undo_until is not None
        lifecycle.end_overdue(timezone.now() + 3 * DAY - dt.timedelta(minutes=1))
        withdrawal.refresh_from_db()
        assert withdrawal.state == WithdrawalState.DONE
        lifecycle.end_overdue(timezone.now() + 3 * DAY)
        withdrawal.refresh_from_db()
        assert (withdrawal.state, withdrawal.sealed) == (WithdrawalState.FINAL, "")
        assert withdrawal.counts == {"blog.entry": 1}
        assert not lifecycle.undo(withdrawal)
        assert not WithdrawnRow.objects.exists()
        assert not GoneUrl.objects.exists()

    def test_a_search_without_a_withdrawal_is_deleted(self) -> None:
        withdrawal = lifecycle.start(["Ann Lée"], "X", None)
        work(withdrawal, FOREVER)
        lifecycle.end_overdue(timezone.now() + 2 * DAY)
        assert not Withdrawal.objects.exists()

    def test_existing_exports_are_deleted(self) -> None:
        job = ExportJob.objects.create(state=ExportState.DONE, format="wordpress")
        folder = JobFolder(job.pk)
        folder.create()
        (folder.path / "export.xml").write_text("Ann Lée")
        withdraw()
        job.refresh_from_db()
        assert job.state == ExportState.EXPIRED
        assert not folder.path.exists()


class TestCommand:
    def test_asks_for_the_name_shows_the_places_and_withdraws_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        post = PostFactory(title="Ann Lée")
        answers = iter(["Ann Lée", "", "yes"])
        monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
        output = StringIO()
        call_command("withdraw", stdout=output)
        post.refresh_from_db()
        assert post.title == "[…]"
        assert "Posts and pages: 1" in output.getvalue()
        call_command("withdraw", undo=Withdrawal.objects.get().pk, stdout=output)
        post.refresh_from_db()
        assert post.title == "Ann Lée"

    def test_fails_if_the_withdrawal_has_been_discarded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def confirm(prompt: str) -> str:
            Withdrawal.objects.all().delete()
            return "yes"

        answers = iter([lambda prompt: "Ann Lée", lambda prompt: "", confirm])
        monkeypatch.setattr("builtins.input", lambda prompt: next(answers)(prompt))
        with pytest.raises(CommandError, match="Nothing was changed"):
            call_command("withdraw", stdout=StringIO())

    @pytest.mark.parametrize("ending", [KeyboardInterrupt, EOFError])
    def test_a_question_that_is_not_answered_ends_it_and_discards_the_search(
        self, ending: type[BaseException], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def answers() -> Iterator[str]:
            yield from ("Ann Lée", "")
            raise ending

        given = answers()
        monkeypatch.setattr("builtins.input", lambda prompt: next(given))
        output = StringIO()
        call_command("withdraw", stdout=output)
        assert output.getvalue().endswith("Nothing was changed.\n")
        assert not Withdrawal.objects.exists()

    def test_a_preview_changes_and_stores_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        post = PostFactory(title="Ann Lée")
        answers = iter(["Ann Lée", ""])
        monkeypatch.setattr("builtins.input", lambda prompt: next(answers))
        call_command("withdraw", "--preview", stdout=StringIO())
        post.refresh_from_db()
        assert post.title == "Ann Lée"
        assert not Withdrawal.objects.exists()


@pytest.mark.usefixtures("own_file")
def test_the_database_is_rewritten_after_a_final_withdrawal() -> None:
    PostFactory(title="Ann Lée")
    withdrawal = withdraw()
    lifecycle.make_final(withdrawal)
    assert lifecycle.unscrubbed().get() == withdrawal
    do_upkeep.call()
    assert not lifecycle.unscrubbed().exists()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="of PostgreSQL, docs/owners.md says what stays how long")
@pytest.mark.usefixtures("own_file")
def test_a_final_withdrawal_erases_the_name_from_the_database_files() -> None:
    post = PostFactory(title="Free Quzzle Vorbitt", source="Quzzle Vorbitt is in prison.", tags=["Quzzle Vorbitt"])
    CommentFactory(entry=post, name="Quzzle Vorbitt", text="I am Quzzle Vorbitt.")
    database = Path(connection.settings_dict["NAME"])
    files = [database, Path(f"{database}-wal")]

    def found() -> set[bytes]:
        content = b"".join(path.read_bytes() for path in files if path.exists()).lower()
        return {word for word in (b"quzzle", b"vorbitt") if word in content}

    assert found() == {b"quzzle", b"vorbitt"}
    withdrawal = withdraw("Quzzle Vorbitt")
    Withdrawal.objects.update(undo_until=timezone.now())
    do_upkeep.call()
    withdrawal.refresh_from_db()
    assert withdrawal.state == WithdrawalState.FINAL
    assert found() == set()


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def undo_while(self, at_once: AtOnce, first: Callable[[], object], second: Callable[[], object]) -> None:
        """Undo a withdrawal while another process does two things in one transaction."""
        withdrawal, has_begun, has_ended = withdraw("Xyz"), Event(), Event()

        def other() -> None:
            with transaction.atomic():
                first()
                has_begun.set()
                # It waits for this transaction.
                assert not has_ended.wait(0.3)
                second()

        def insert_slowly(call: Callable[..., Any], sql: str, *args: Any) -> Any:
            if sql.startswith('INSERT INTO "comments_token"'):
                # So that the other process is waiting for this one by the second word.
                time.sleep(0.2)
            return call(sql, *args)

        def undo_withdrawal() -> None:
            has_begun.wait()
            with connection.execute_wrapper(insert_slowly):
                undo(withdrawal)
            has_ended.set()

        at_once(other, undo_withdrawal)

    def test_undoing_it_and_moderating_never_deadlock(self, at_once: AtOnce) -> None:
        first, second = CommentFactory.create_batch(2, text="By Xyz.", status=CommentStatus.PENDING)
        moderator = UserFactory.create()
        self.undo_while(at_once, lambda: approve([first], moderator), lambda: approve([second], moderator))
        assert set(Comment.objects.values_list("text", "status")) == {("By Xyz.", "approved")}

    def test_undoing_it_and_learning_words_never_deadlock(self, at_once: AtOnce) -> None:
        first = CommentFactory.create(website="https://xyz.example/", status=CommentStatus.SPAM)
        second = CommentFactory.create(text="By Xyz.", status=CommentStatus.SPAM)
        bayes.learn(dict.fromkeys((first, second), CommentStatus.SPAM))
        Lesson.objects.all().delete()
        self.undo_while(
            at_once,
            lambda: bayes.learn({first: CommentStatus.SPAM}),
            lambda: bayes.learn({second: CommentStatus.SPAM}),
        )
        assert {"host:xyz.example", "xyz"} <= set(Token.objects.values_list("text", flat=True))
