"""The appearance of the site: published, previewed and undone."""

import re
from collections.abc import Callable
from dataclasses import asdict
from threading import Event
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts.models import AuditRecord, User
from blog.appearance import versions
from blog.appearance.documents import default_document, read
from blog.models import AppearanceVersion, SiteAppearance
from core.models import SiteSettings
from media import trash
from media.models import Picture
from media.pictures import store_picture
from media.uses import is_used, uses_of
from tests.factories import PageFactory, PostFactory, UserFactory, at
from tests.factories.files import picture, picture_file
from tests.factories.types import AtOnce

pytestmark = pytest.mark.django_db

type Publish = Callable[..., int]

URL = "/admin/blog/siteappearance/1/change/"
STYLE = re.compile(r'<link rel="stylesheet" href="(/appearance-[0-9a-f]+\.css)">')


@pytest.fixture
def publish(publish_appearance: Publish) -> Publish:
    return publish_appearance


@pytest.fixture
def staff(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


def get(path: str = "/") -> str:
    return Client().get(path).content.decode()


def style() -> str:
    """Return the styles to which pages link; empty if there are none."""
    found = STYLE.search(get())
    return Client().get(found[1]).content.decode() if found else ""


class TestTheDesign:
    def test_needs_no_additional_styles(self) -> None:
        assert not STYLE.search(get())
        assert Client().get("/appearance-0123456789abcdef.css").status_code == 404

    def test_is_the_result_of_a_document_without_values(self, publish: Publish) -> None:
        PostFactory()
        before = get()
        publish()
        assert get() == before


class TestStyles:
    def test_are_a_file_that_browsers_keep(self, publish: Publish) -> None:
        publish(type_style="sans")
        found = STYLE.search(get())
        assert found
        response = Client().get(found[1])
        assert response.headers["Content-Type"] == "text/css; charset=utf-8"
        assert response.headers["Cache-Control"] == "public, max-age=31536000, immutable"

    def test_of_an_older_page_redirect_to_the_current_ones(self, publish: Publish) -> None:
        publish(width="wide")
        response = Client().get("/appearance-0123456789abcdef.css")
        found = STYLE.search(get())
        assert found
        assert (response.status_code, response.headers["Location"]) == (302, found[1])

    def test_come_after_the_styles_of_the_design(self, publish: Publish) -> None:
        publish(width="narrow")
        page = get()
        assert page.index("css/site") < page.index("/appearance-")

    @pytest.mark.parametrize(
        ("values", "rule"),
        [
            ({"type_style": "sans"}, "--text:var(--around)"),
            ({"type_style": "plain"}, "--around:Verdana"),
            ({"width": "narrow"}, "--measure:32rem"),
            ({"width": "wide"}, "--measure:44rem"),
            ({"sidebar": "left"}, "justify-self:end"),
            ({"sidebar": "below"}, "grid-row:auto"),
            ({"css": 'p::before { content: "<&" }'}, 'p::before { content: "<&" }'),
        ],
    )
    def test_contain_the_chosen_values(self, values: dict[str, str], rule: str, publish: Publish) -> None:
        publish(**values)
        assert rule in style()

    def test_end_with_the_owners_own_styles(self, publish: Publish) -> None:
        publish(type_style="plain", accent="#006600", css="a { color: red }")
        assert style().endswith("}a { color: red }")

    def test_have_an_accent_in_light_and_dark(self, publish: Publish) -> None:
        publish(accent="#006600")
        light, _media, dark = style().partition("@media (prefers-color-scheme:dark)")
        assert "--link:#006600" in light
        assert "--mark:#006600" in light
        (derived,) = set(re.findall(r"--(?:link|mark):(#\w+)", dark))
        assert derived != "#006600"
        assert read({"accent_dark": derived}).accent_dark == derived

    def test_have_the_accent_that_was_chosen_for_dark_mode(self, publish: Publish) -> None:
        publish(accent_dark="#7fd67f")
        light, _media, dark = style().partition("@media (prefers-color-scheme:dark)")
        assert "--link:#7fd67f" in dark
        assert "--link" not in light


class TestPages:
    def test_show_the_footer_instead_of_the_line_in_the_settings(self, publish: Publish) -> None:
        SiteSettings.objects.update(footer="A plain line")
        assert "<p><bdi>A plain line</bdi></p>" in get()
        publish(footer="Since *2010*, by [us](/about/)")
        assert '<p>Since <em>2010</em>, by <a href="/about/">us</a></p>' in get()
        assert "A plain line" not in get()

    def test_show_a_footer_without_active_content(self, publish: Publish) -> None:
        publish(footer="<script>alert(1)</script><img src=x onerror=alert(1)>[x](javascript:alert(1)) <!--more--> y")
        assert "alert(1)" not in get().partition('class="colophon"')[2].replace("javascript:alert(1)", "")
        assert 'href="javascript' not in get()

    def test_have_no_sidebar_if_there_is_none(self, publish: Publish) -> None:
        post = PostFactory()
        assert 'id="menu"' in get()
        publish(sidebar="none")
        for path in ("/", post.get_absolute_url(), "/no-such-page/"):
            assert 'id="menu"' not in get(path)
            assert "#menu" not in get(path)

    def test_can_list_titles_only(self, publish: Publish) -> None:
        PostFactory(title="Pinned one", sticky=True, source="The text.", published_at=at(2020, 1, 1))
        PostFactory(title="Another", source="The text.")
        assert "The text." in get()
        publish(list_style="titles")
        page = get()
        assert "The text." not in page
        assert page.index("Pinned</p>") < page.index("Pinned one") < page.index("Another")

    def test_that_list_titles_read_no_texts(self, publish: Publish) -> None:
        PostFactory(sticky=True)
        PostFactory()
        publish(list_style="titles")
        with CaptureQueriesContext(connection) as queries:
            get()
        assert not [query["sql"] for query in queries if "lead_html" in query["sql"]]

    @pytest.mark.parametrize(
        ("day_format", "shown"), [("", "October 22, 2019"), ("j F Y", "22 October 2019"), ("Y-m-d", "2019-10-22")]
    )
    def test_show_days_as_chosen(self, day_format: str, shown: str, publish: Publish) -> None:
        post = PostFactory(published_at=at(2019, 10, 22))
        publish(day_format=day_format)
        for path in ("/", post.get_absolute_url()):
            assert f">{shown}</time>" in get(path)

    def test_take_no_more_queries(self, publish: Publish, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        PostFactory()
        publish(accent="#006600", footer="*us*", css="a { color: red }", day_format="Y-m-d")
        get()
        # The content version and the posts, which were listed before.
        with django_assert_num_queries(2):
            Client().get("/?fresh")


class TestADraft:
    def test_is_not_seen_by_readers(self, staff: Client, owner: User) -> None:
        before = SiteSettings.current().content_version
        versions.save_draft(asdict(read({"footer": "Soon"})), seen=versions.stamp(SiteAppearance.current()))
        assert "Soon" not in get()
        assert SiteSettings.current().content_version == before
        # Nor by staff who haven't requested it.
        assert "Soon" not in staff.get("/").content.decode()

    def test_is_previewed_by_its_author_until_they_end_the_preview(self, staff: Client) -> None:
        PageFactory(slug="about")
        response = staff.post(URL, {**default_document(), "footer": "Soon", "do": "preview", "seen": seen(staff)})
        assert response.headers["Location"] == "/"
        for path in ("/", "/about/", "/no-such-page/"):
            response = staff.get(path)
            assert "Soon" in response.content.decode()
            assert response.headers["Cache-Control"] == "private, no-store"
            assert "Soon" not in get(path)
        assert "End preview" in staff.get("/").content.decode()
        staff.post("/admin/blog/siteappearance/end-preview/")
        assert "Soon" not in staff.get("/").content.decode()

    def test_has_styles_that_only_they_get(self, staff: Client) -> None:
        staff.post(URL, {**default_document(), "css": "a { color: red }", "do": "preview", "seen": seen(staff)})
        found = STYLE.search(staff.get("/").content.decode())
        assert found
        response = staff.get(found[1])
        assert response.content == b"a { color: red }"
        assert response.headers["Cache-Control"] == "private, no-store"
        assert Client().get(found[1]).status_code == 404

    def test_never_gets_into_the_memory_of_processes(self, staff: Client) -> None:
        PostFactory(published_at=at(2019, 10, 22))
        fresh = get()
        staff.post(URL, {**default_document(), "day_format": "Y-m-d", "do": "preview", "seen": seen(staff)})
        assert "2019-10-22<" in staff.get("/").content.decode()
        assert get("/?another") == fresh

    def test_follows_changes_that_are_published_in_the_meantime(self, staff: Client) -> None:
        staff.post(URL, {**default_document(), "footer": "Soon", "do": "preview", "seen": seen(staff)})
        staff.get("/")
        PostFactory(title="Breaking news")
        assert "Breaking news" in staff.get("/").content.decode()

    def test_is_not_previewed_by_users_who_lost_the_permission(self, staff: Client, owner: User) -> None:
        staff.post(URL, {**default_document(), "footer": "Soon", "do": "preview", "seen": seen(staff)})
        User.objects.filter(pk=owner.pk).update(is_superuser=False)
        assert "Soon" not in staff.get("/").content.decode()


class TestPublishing:
    def test_is_seen_by_the_next_reader(self, publish: Publish) -> None:
        get()
        publish(footer="New")
        assert "New" in get()

    def test_increments_the_content_version_once(
        self, owner: User, django_capture_on_commit_callbacks: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        increments: list[int] = []
        monkeypatch.setattr("core.changes._increment", lambda step, of_entries: increments.append(step))
        with django_capture_on_commit_callbacks(execute=True):
            versions.publish(default_document(), by=owner, seen=versions.stamp(SiteAppearance.current()))
        assert len(increments) == 1

    def test_can_be_undone(self, publish: Publish, owner: User, django_capture_on_commit_callbacks: Any) -> None:
        publish(footer="One")
        before = publish(footer="Two")
        with django_capture_on_commit_callbacks(execute=True):
            redo = versions.publish_again(before, by=owner)
        assert "One" in get()
        with django_capture_on_commit_callbacks(execute=True):
            versions.publish_again(redo, by=owner)
        assert "Two" in get()

    def test_of_the_first_version_restores_the_design(
        self, publish: Publish, owner: User, django_capture_on_commit_callbacks: Any
    ) -> None:
        before = get()
        first = publish(type_style="plain")
        assert first == versions.INITIAL
        with django_capture_on_commit_callbacks(execute=True):
            versions.publish_again(first, by=owner)
        assert get() == before

    def test_keeps_the_latest_versions(self, publish: Publish, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(versions, "MAX_VERSIONS", 3)
        for number in range(5):
            publish(footer=str(number))
        kept = AppearanceVersion.objects.all()
        assert [version.document["footer"] for version in kept] == ["4", "3", "2"]
        assert {version.published_by for version in kept} == {owner}

    def test_an_earlier_version_again_leaves_the_draft_alone(self, publish: Publish, owner: User) -> None:
        before = publish(footer="One")
        versions.save_draft(asdict(read({"footer": "Soon"})), seen=versions.stamp(SiteAppearance.current()))
        versions.publish_again(before, by=owner)
        assert versions.prepared(SiteAppearance.current()).footer == "Soon"

    def test_refuses_a_draft_that_was_begun_before_another_change(self, publish: Publish, owner: User) -> None:
        seen = versions.stamp(SiteAppearance.current())
        publish(footer="One")
        with pytest.raises(versions.ConflictError):
            versions.publish(default_document(), by=owner, seen=seen)
        with pytest.raises(versions.ConflictError):
            versions.save_draft(default_document(), seen=seen)
        with pytest.raises(versions.ConflictError):
            versions.discard_draft(seen=seen)

    def test_treats_a_double_click_as_one(self, publish: Publish, owner: User) -> None:
        publish(footer="One")
        one, seen = AppearanceVersion.objects.get(), versions.stamp(SiteAppearance.current())
        document = asdict(read({"footer": "Two"}))
        assert [versions.publish(document, by=owner, seen=seen) for _click in range(2)] == [one.pk, one.pk]
        assert AppearanceVersion.objects.count() == 2
        seen, draft = versions.stamp(SiteAppearance.current()), asdict(read({"footer": "Three"}))
        for _click in range(2):
            versions.save_draft(draft, seen=seen)
        assert versions.prepared(SiteAppearance.current()).footer == "Three"

    def test_can_be_replaced_after_one_warning_if_they_were_saved_while_this_one_waited(
        self, staff: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mine = {**default_document(), "footer": "Mine", "do": "save", "seen": seen(staff)}
        lock = versions.locked_row

        def lock_after_the_other() -> SiteAppearance:
            monkeypatch.undo()
            versions.save_draft(asdict(read({"footer": "Theirs"})), seen="")
            return lock()

        monkeypatch.setattr(versions, "locked_row", lock_after_the_other)
        page = staff.post(URL, mine)
        assert "Someone else changed this first" in page.content.decode()
        assert staff.post(URL, mine | {"seen": page.context["seen"]}).status_code == 302
        assert versions.prepared(SiteAppearance.current()).footer == "Mine"


class TestThePrivacyPage:
    def test_says_that_publishing_is_recorded_once_there_was_one(self, publish: Publish) -> None:
        text = "Which versions of the appearance of this site you made public"
        assert text not in get("/privacy/")
        publish(width="wide")
        assert text in get("/privacy/")


class TestFilesOfTheLibrary:
    def test_say_that_the_appearance_uses_them(self, publish: Publish) -> None:
        names = ("footer", "css", "token", "draft", "other")
        pictures = {
            name: Picture.objects.create(file=f"pictures/2020/01/{name}.png", width=1, height=1) for name in names
        }
        urls = {name: f"/media/{picture.file.name}" for name, picture in pictures.items()}
        publish(
            footer=f"![]({urls['footer']})",
            css=f"a {{ background: url('{urls['css']}') }} @media print {{ b {{ background: url({urls['token']}) }} }}",
        )
        draft = asdict(read({"footer": f"![]({urls['draft']})"}))
        versions.save_draft(draft, seen=versions.stamp(SiteAppearance.current()))
        found = uses_of(Picture, [picture.pk for picture in pictures.values()], AnonymousUser())
        assert {pk: [use.url for use in uses] for pk, uses in found.items()} == {
            pictures[name].pk: [URL] for name in ("footer", "css", "token", "draft")
        }
        assert set(Picture.objects.filter(is_used(Picture))) == {pictures[name] for name in names} - {pictures["other"]}


@pytest.mark.django_db(transaction=True)
class TestAPictureThatIsRemovedWhileItIsChosen:
    """The library allows removing any picture, so the appearance shows only those that are there."""

    def remove(self, picture: Picture, how: str) -> Picture | None:
        """Remove a picture from the library, and return the one to show in its place."""
        if how == "merged":
            other = store_picture(picture_file("other.png"))
            trash.merge([picture.pk], other.pk)
            return other
        trash.delete(Picture, [picture.pk])
        if how == "gone":
            trash.expire(Picture, [picture.pk])
        return None

    @pytest.mark.parametrize("how", ["deleted", "gone", "merged"])
    def test_is_shown_neither_to_readers_nor_to_owners(self, owner: User, at_once: AtOnce, how: str) -> None:
        image = SimpleUploadedFile("icon.png", picture(size=(512, 512)))
        chosen = store_picture(image)
        has_chosen, is_removed = Event(), Event()
        about = {"kind": "about", "title": "", "options": {"picture": str(chosen.pk), "text": "Hello"}}
        values = dict.fromkeys(("logo", "header", "icon"), str(chosen.pk)) | {"blocks": [about]}

        def choose() -> None:
            with transaction.atomic():
                versions.locked_row()
                document = asdict(read(values))
                assert document["logo"] == str(chosen.pk)
                has_chosen.set()
                # On SQLite, writers wait for each other.
                is_removed.wait(0.5)
                versions.publish(document, by=owner, seen="")

        def remove() -> Picture | None:
            assert has_chosen.wait(10)
            replacement = self.remove(chosen, how)
            is_removed.set()
            return replacement

        replacement = at_once(choose, remove)[1]
        staff = Client()
        staff.force_login(owner)
        for url in ("/", "/manifest.webmanifest", "/feed/", "/favicon.ico", URL):
            response = (staff if url == URL else Client()).get(url, follow=True)
            assert response.status_code == 200, url
            assert str(chosen.file.name) not in response.getvalue().decode(errors="replace"), url
            assert not [path for path, _status in response.redirect_chain if "broadside-32" not in path], url
        if replacement:
            assert str(replacement.file.name) in get()


def seen(client: Client) -> str:
    return str(client.get(URL).context["seen"])


class TestThePageOfOwners:
    def test_saves_a_draft_and_shows_it_again(self, staff: Client) -> None:
        response = staff.post(URL, {**default_document(), "width": "wide", "do": "save", "seen": seen(staff)})
        assert response.status_code == 302
        page = staff.get(URL)
        assert page.context["form"]["width"].value() == "wide"
        assert "This is a draft" in page.content.decode()

    def test_a_draft_that_equals_the_published_version_is_dropped(self, staff: Client) -> None:
        staff.post(URL, {**default_document(), "width": "wide", "do": "save", "seen": seen(staff)})
        staff.post(URL, {**default_document(), "do": "save", "seen": seen(staff)})
        assert SiteAppearance.current().draft is None

    def test_publishes_and_offers_to_undo(self, staff: Client) -> None:
        data = {**default_document(), "footer": "New", "do": "publish", "seen": seen(staff)}
        page = staff.post(URL, data, follow=True).content.decode()
        assert "Appearance published." in page
        newest = AppearanceVersion.objects.get().pk
        assert page.count(f'action="/admin/blog/siteappearance/0/publish/?seen={newest}"') == 2
        assert "New" in get()
        staff.post("/admin/blog/siteappearance/0/publish/")
        assert "New" not in get()

    def test_discards_a_draft_whatever_is_in_the_form(self, staff: Client) -> None:
        staff.post(URL, {**default_document(), "width": "wide", "do": "save", "seen": seen(staff)})
        data = {**default_document(), "accent": "white", "do": "discard", "seen": seen(staff)}
        assert staff.post(URL, data).status_code == 302
        assert SiteAppearance.current().draft is None

    def test_says_what_is_wrong_and_saves_nothing(self, staff: Client) -> None:
        for button in ("save", "preview", "publish"):
            data = {**default_document(), "accent": "#ff9900", "do": button, "seen": seen(staff)}
            page = staff.post(URL, data).content.decode()
            assert "The nearest colour with enough contrast is #a26100." in page
        assert SiteAppearance.current().draft is None
        assert not AppearanceVersion.objects.exists()

    def test_does_not_overwrite_changes_by_another_user(self, staff: Client) -> None:
        old = seen(staff)
        staff.post(URL, {**default_document(), "footer": "Theirs", "do": "save", "seen": old})
        response = staff.post(URL, {**default_document(), "footer": "Mine", "do": "publish", "seen": old})
        page = response.content.decode()
        assert "Someone else changed this first" in page
        assert "publish it again to replace their changes" in page
        assert "Mine" in page
        assert versions.prepared(SiteAppearance.current()).footer == "Theirs"
        # If it is submitted again, it is meant.
        again = {**default_document(), "footer": "Mine", "do": "publish", "seen": response.context["seen"]}
        assert staff.post(URL, again).status_code == 302
        assert "Mine" in get()

    @pytest.mark.parametrize("first", [{"do": "add", "add": "text"}, {"do": "publish", "accent": "#ff9900"}])
    def test_does_not_overwrite_them_after_the_form_was_shown_again_either(
        self, staff: Client, first: dict[str, str]
    ) -> None:
        old = seen(staff)
        staff.post(URL, {**default_document(), "footer": "Theirs", "do": "save", "seen": old})
        shown_again = staff.post(URL, {**default_document(), "footer": "Mine", "seen": old, **first})
        assert shown_again.status_code == 200
        data = {**default_document(), "footer": "Mine", "do": "publish", "seen": shown_again.context["seen"]}
        assert "Someone else changed this first" in staff.post(URL, data).content.decode()
        assert versions.prepared(SiteAppearance.current()).footer == "Theirs"

    def test_a_form_without_its_mark_overwrites_nothing(self, staff: Client) -> None:
        assert staff.post(URL, {**default_document(), "do": "publish"}).status_code == 200
        assert not AppearanceVersion.objects.exists()

    def test_does_not_undo_what_someone_else_has_published_since(self, staff: Client, publish: Publish) -> None:
        publish(footer="One")
        publish(footer="Two")
        two, one = AppearanceVersion.objects.values_list("pk", flat=True)
        undo = f"/admin/blog/siteappearance/{one}/publish/?seen={two}"
        publish(footer="Theirs")
        page = staff.post(undo, follow=True).content.decode()
        assert "Someone else changed this first, so nothing was restored." in page
        assert "Theirs" in get()
        # A double click, once they have seen it.
        newest = AppearanceVersion.objects.values_list("pk", flat=True)[0]
        for _click in range(2):
            page = staff.post(undo.replace(f"={two}", f"={newest}"), follow=True).content.decode()
            assert "Someone else" not in page
        assert "One" in get()

    def test_says_that_a_version_is_gone(self, staff: Client) -> None:
        page = staff.post("/admin/blog/siteappearance/999/publish/", follow=True).content.decode()
        assert "That version is no longer kept." in page or "That version is no longer kept." in page

    @pytest.mark.parametrize("role", ["Editor", "Author", "Moderator", "Reader of drafts"])
    def test_is_for_owners_only(self, role: str) -> None:
        client = Client()
        client.force_login(UserFactory(role=role))
        assert client.get(URL).status_code == 403
        assert client.post(URL, {**default_document(), "do": "publish", "seen": ""}).status_code == 403
        assert client.post("/admin/blog/siteappearance/0/publish/").status_code == 403
        assert not AppearanceVersion.objects.exists()

    def test_publishing_is_in_the_audit_log(self, staff: Client) -> None:
        staff.post(URL, {**default_document(), "footer": "New", "do": "publish", "seen": seen(staff)})
        (record,) = AuditRecord.objects.filter(kind="blog.siteappearance")
        assert (record.action, record.title) == ("published", "appearance")
