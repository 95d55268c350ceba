"""The admin in a browser: writing with a preview, pictures and suggestions, all under the strict policy.

`open_page` fails a test when anything violates the Content-Security-Policy.
"""

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Group
from playwright.sync_api import Dialog, Page, expect

from blog.models import Post
from library.models import Picture
from library.pictures import store_picture
from tests.factories import CategoryFactory, CommentFactory, PageFactory, PostFactory, TagFactory, UserFactory
from tests.library.test_views import picture_file

pytestmark = pytest.mark.django_db(transaction=True)

PASSWORD = "a-long-password-for-tests"

type LogIn = Callable[..., Page]

# What a browser does when files fall on the text.
DROP = """([name, type, content]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([Uint8Array.from(atob(content), (char) => char.charCodeAt(0))], name, { type }));
  const drop = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
  document.querySelector("#id_source").dispatchEvent(drop);
}"""


@pytest.fixture
def desk(log_in: LogIn) -> Page:
    """An editor's new post."""
    UserFactory(username="editor", password=PASSWORD, role="Editor")
    return log_in("editor", "/admin/blog/post/add/")


def drop(desk: Page, name: str, content: bytes) -> None:
    desk.evaluate(DROP, [name, "image/jpeg", base64.b64encode(content).decode()])


class TestPictures:
    def test_dropped_picture_is_shown_and_asks_what_it_shows(self, desk: Page) -> None:
        desk.fill("#id_source", "Before.\n\n")
        drop(desk, "march.png", picture_file().read())
        expect(desk.locator("#id_source")).to_have_value(re.compile(r"^Before\.\n\n!\[\]\(/media/pictures/.*\.png\)$"))
        desk.keyboard.type("A crowd")
        picture = desk.locator(".editor-preview img")
        expect(picture).to_have_attribute("alt", "A crowd")
        assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 12
        assert Picture.objects.get().title == "march"

    def test_button_takes_one_too(self, desk: Page) -> None:
        file: Any = {"name": "x.png", "mimeType": "image/png", "buffer": picture_file().read()}
        with desk.expect_file_chooser() as chooser:
            desk.click("text=Add a picture…")
        chooser.value.set_files(file)
        expect(desk.locator("#id_source")).to_have_value(re.compile(r"^!\[\]\(/media/pictures/.*\.png\)$"))

    def test_fault_is_said_and_the_text_left_alone(self, desk: Page) -> None:
        desk.fill("#id_source", "Before.")
        drop(desk, "x.jpg", b"<script>alert(1)</script>")
        expect(desk.locator(".editor-status")).to_contain_text("This file is not a picture")
        expect(desk.locator("#id_source")).to_have_value("Before.")

    def test_large_file_is_not_even_sent(self, desk: Page) -> None:
        desk.evaluate("document.querySelector('#id_source').dataset.maxBytes = 10")
        drop(desk, "x.jpg", picture_file().read())
        expect(desk.locator(".editor-status")).to_contain_text("larger than 20 MB")
        assert not Picture.objects.exists()


class TestTags:
    def test_suggested_and_new_names(self, desk: Page) -> None:
        for name in ("human rights", "human kind", "Свобода"):
            TagFactory(name=name)
        field = desk.locator("#id_tags")
        field.press_sequentially("hum")
        expect(desk.locator(".tags-list li")).to_have_count(2)
        field.press("ArrowDown")
        expect(desk.locator("[aria-selected]")).to_have_text("human kind")
        field.press("ArrowDown")
        field.press("Enter")
        expect(field).to_have_value("human rights, ")
        field.press_sequentially("Brand new")
        field.press("Enter")
        field.press_sequentially("СВО")
        desk.locator(".tags-list").get_by_text("Свобода").click()
        expect(field).to_have_value("human rights, Brand new, Свобода, ")
        desk.fill("#id_title", "Tagged")
        desk.click("[name=_continue]")
        expect(field).to_have_value("Brand new, human rights, Свобода")

    def test_escape_closes_and_comma_goes_on(self, desk: Page) -> None:
        TagFactory(name="human rights")
        field = desk.locator("#id_tags")
        field.press_sequentially("hum")
        expect(desk.locator(".tags-list")).to_be_visible()
        field.press("Escape")
        expect(desk.locator(".tags-list")).to_be_hidden()
        field.press_sequentially("our,")
        expect(desk.locator(".tags-list")).to_be_hidden()
        expect(field).to_have_value("humour,")


class TestKeepingWhatIsTyped:
    def test_keyboard_leaves_the_text(self, desk: Page) -> None:
        desk.focus("#id_source")
        desk.keyboard.press("Tab")
        expect(desk.locator("#id_source")).not_to_be_focused()
        expect(desk.locator("#id_source")).to_have_value("")

    def test_double_click_makes_one_post(self, desk: Page) -> None:
        desk.fill("#id_title", "Once")
        desk.dblclick("[name=_save]")
        expect(desk.locator(".success")).to_be_visible()
        assert Post.objects.count() == 1

    def test_unsaved_words_are_asked_for(self, desk: Page) -> None:
        asked: list[str] = []

        def leave(dialog: Dialog) -> None:
            asked.append(dialog.type)
            dialog.accept()

        desk.on("dialog", leave)
        desk.fill("#id_title", "Unsaved")
        desk.click("text=View site")
        desk.wait_for_url("**/")
        assert asked == ["beforeunload"]

    def test_server_that_fails_does_not_take_the_preview_over(self, desk: Page) -> None:
        desk.route("**/preview/**", lambda route: route.fulfill(status=400, body="<html><h1>Oh</h1></html>"))
        desk.fill("#id_source", "words")
        expect(desk.locator(".editor-preview")).to_have_text(re.compile("There is no preview at the moment"))

    def test_without_javascript_everything_is_saved(self, desk: Page, log_in: LogIn) -> None:
        plain = log_in("editor", "/admin/blog/post/add/", java_script_enabled=False)
        plain.fill("#id_title", "Plain")
        plain.fill("#id_source", "Words")
        plain.fill("#id_tags", "one, two")
        plain.click("[name=_save]")
        expect(plain.locator(".success")).to_be_visible()
        assert {tag.name for tag in Post.objects.get().tags.all()} == {"one", "two"}


def paths_of_everything() -> list[str]:
    category = CategoryFactory(name="awards")
    CategoryFactory(name="MEA", parent=category)
    post = PostFactory(source="# A\n\n<!--more-->\n\n*b*", tags=["a", "b"], categories=[category], language="ar")
    PostFactory(status="draft")
    page, picture = PageFactory(), store_picture(picture_file(), alt="Teal")
    CommentFactory(post=post)
    return [
        "/admin/",
        "/admin/blog/",
        "/admin/blog/post/",
        "/admin/blog/post/?state=draft&q=title",
        "/admin/blog/post/?published_at__year=2020&published_at__month=1",
        "/admin/blog/post/add/",
        *(f"/admin/blog/post/{post.pk}/{name}/" for name in ("change", "history", "delete")),
        "/admin/blog/page/",
        f"/admin/blog/page/{page.pk}/change/",
        "/admin/blog/category/",
        f"/admin/blog/category/{category.pk}/change/",
        "/admin/blog/sitesettings/1/change/",
        "/admin/tags/tag/",
        f"/admin/tags/tag/{post.tags.first().pk}/change/",
        "/admin/library/picture/",
        "/admin/library/picture/add/",
        f"/admin/library/picture/{picture.pk}/change/",
        "/admin/library/document/add/",
        "/admin/accounts/user/",
        "/admin/accounts/user/add/",
        f"/admin/accounts/user/{post.author.pk}/change/",
        f"/admin/auth/group/{Group.objects.get(name='Editor').pk}/change/",
        "/admin/password_change/",
    ]


def test_every_page_of_the_admin_keeps_the_policy_and_can_be_used_by_all(log_in: LogIn) -> None:
    UserFactory(username="owner", password=PASSWORD, is_staff=True, is_superuser=True)
    owner = log_in("owner")
    faults = []
    for path in paths_of_everything():
        response = owner.goto(path)
        assert response, path
        assert response.status == 200, path
        found = Axe().run(owner).response["violations"]
        faults += [(path, rule["id"], rule["nodes"][0]["html"][:120]) for rule in found]
    assert faults == [], "\n".join(map(str, faults))


def test_calendar_and_clock_open(desk: Page) -> None:
    desk.click("#calendarlink0")
    desk.get_by_text("Tomorrow").click()
    desk.click("#clocklink0")
    desk.get_by_text("Noon").click()
    expect(desk.locator("#id_published_at_1")).to_have_value("12:00:00")
    expect(desk.locator("#id_published_at_0")).not_to_have_value("")


@pytest.mark.parametrize("width", [390, 1400])
def test_text_and_preview_share_the_width_there_is(log_in: LogIn, width: int) -> None:
    UserFactory(username="editor", password=PASSWORD, role="Editor")
    desk = log_in("editor", "/admin/blog/post/add/", viewport={"width": width, "height": 900})
    text, preview = (desk.locator(name).bounding_box() for name in ("#id_source", ".editor-preview"))
    assert text
    assert preview
    side_by_side = abs(text["y"] - preview["y"]) < 2
    assert side_by_side == (width == 1400)
    assert desk.evaluate("document.documentElement.scrollWidth") <= width
