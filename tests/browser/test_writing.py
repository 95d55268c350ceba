"""The editor in a browser: uploads and protection of input, under the Content-Security-Policy.

`open_page` fails a test when anything violates the Content-Security-Policy.
"""

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Dialog, FilePayload, Page, Route, expect

from blog.models import Post, Status
from media.models import Picture
from tests.factories import PASSWORD, UserFactory
from tests.factories.files import PDF, picture, picture_file
from tests.factories.types import LogIn

pytestmark = pytest.mark.django_db(transaction=True)

# Drops files on the text.
DROP = """([place, files]) => {
  const carried = new DataTransfer();
  for (const [name, type, content] of files) {
    carried.items.add(new File([Uint8Array.from(atob(content), (char) => char.charCodeAt(0))], name, { type }));
  }
  const drop = new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true });
  document.querySelector(place).dispatchEvent(drop);
}"""

# Stores the callback of a timeout of more than five seconds as `later` instead of waiting for it.
KEEP_LATER = """() => {
  const { setTimeout } = window;
  window.setTimeout = (callback, delay) => {
    if (delay === 8_000) window.later = callback;
    else setTimeout(callback, delay);
  };
}"""

# Texts before and after an image, x, is dropped at the caret, |.
BEFORE_AND_AFTER = {
    "|": "![](x)",
    "One line|": "One line\n\n![](x)",
    "One line\n|": "One line\n\n![](x)",
    "One line\n\n|": "One line\n\n![](x)",
    "|One line": "![](x)\n\nOne line",
    "One| line": "One\n\n![](x)\n\n line",
    "One line|\nand another": "One line\n\n![](x)\n\nand another",
    "One line|\n\nand another": "One line\n\n![](x)\n\nand another",
    "Before\n\n|\n\nafter": "Before\n\n![](x)\n\nafter",
    "![An |old one](/media/a.png) and more": "![An old one](/media/a.png)\n\n![](x)\n\n and more",
    '<img src="/media/a.png" alt="|">': '<img src="/media/a.png" alt="">\n\n![](x)',
    "[A link](/a/) and (more)|": "[A link](/a/) and (more)\n\n![](x)",
}


@pytest.fixture
def new_post(log_in: LogIn) -> Page:
    """The form for a new post, opened by an editor."""
    UserFactory(username="editor", password=PASSWORD, role="Editor")
    return log_in("editor", "/admin/blog/post/add/")


def drop(
    new_post: Page, name: str, content: bytes, *more: str, kind: str = "image/jpeg", place: str = "#id_source"
) -> None:
    """Drop files of these names, all with the same content."""
    encoded = base64.b64encode(content).decode()
    new_post.evaluate(DROP, [place, [[each, kind, encoded] for each in (name, *more)]])


def image_payload(name: str) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": picture_file().read()}


def names_of_images(text: str) -> str:
    """Return `text` with the names of the uploaded files in place of their URLs."""
    titles = {picture.file.url: picture.title for picture in Picture.objects.all()}
    return re.sub(r"/media/[^)\"]*", lambda url: titles[url[0]], text)


def hold_uploads(page: Page) -> Callable[[int], Route]:
    """Hold all uploads, and return a function that returns the one with this number."""
    waiting: list[Route] = []
    page.route("**/upload/**", lambda route: waiting.append(route))
    # An open page could still reach the server while Chromium is turning interception on.
    page.reload()

    def upload(number: int) -> Route:
        for _attempt in range(1200):
            if len(waiting) > number:
                return waiting[number]
            page.wait_for_timeout(25)
        pytest.fail("The file was not sent.")

    return upload


class TestFiles:
    def test_a_dropped_image_is_inserted_and_the_caret_is_in_its_description(self, new_post: Page) -> None:
        new_post.fill("#id_source", "Before.\n\n")
        drop(new_post, "march.png", picture_file().read())
        expect(new_post.locator("#id_source")).to_have_value(
            re.compile(r"^Before\.\n\n!\[\]\(/media/pictures/.*\.png\)$")
        )
        new_post.keyboard.type("A crowd")
        picture = new_post.frame_locator(".editor-preview").locator("img")
        expect(picture).to_have_attribute("alt", "A crowd")
        assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 12
        assert Picture.objects.get().title == "march"

    def test_each_image_is_added_after_the_previous_one_and_not_in_its_description(self, new_post: Page) -> None:
        source = new_post.locator("#id_source")
        for index, name in enumerate("abc"):
            drop(new_post, f"{name}.png", picture_file().read())
            expect(source).to_have_value(re.compile(rf"^(?:[^!]*!){{{index + 1}}}[^!]*$"))
            new_post.keyboard.type(f"About {name}")
        assert names_of_images(source.input_value()) == "![About a](a)\n\n![About b](b)\n\n![About c](c)"

    def test_images_that_are_added_together_become_a_gallery_in_their_order(self, new_post: Page) -> None:
        names = [f"{name}.png" for name in "edabc"]
        # The first ones take longer.
        drop(new_post, names[0], picture(size=(2400, 1800)), names[1])
        drop(new_post, names[2], picture_file().read(), *names[3:])
        source = new_post.locator("#id_source")
        expect(source).to_have_value(re.compile(r"^(?:[^!]*!){5}[^!]*$"))
        assert names_of_images(source.input_value()) == "![](e)\n![](d)\n\n![](a)\n![](b)\n![](c)"

    def test_an_image_goes_after_the_table_in_which_the_caret_is(self, new_post: Page) -> None:
        table = "| a | b |\n| --- | --- |\n| 1 | 2 |"
        source = new_post.locator("#id_source")
        # Before the table, in its first and its last row, and after it.
        for place, expected in [
            (0, f"![](x)\n\n{table}"),
            *[(each, f"{table}\n\n![](x)") for each in (2, 30, len(table))],
        ]:
            source.fill(table)
            source.evaluate("(source, place) => source.setSelectionRange(place, place)", place)
            drop(new_post, "x.png", picture_file().read())
            expect(source).to_have_value(re.compile("pictures"))
            assert source.input_value().replace(Picture.objects.get().file.url, "x") == expected
            Picture.objects.all().delete()

    def test_the_page_stays_where_nothing_takes_what_is_dropped(self, new_post: Page) -> None:
        files, link = "items.add(new File([], 'x.png'))", "setData('text/uri-list', 'https://example.org/')"
        stays = {
            (place, data): new_post.eval_on_selector(
                place,
                f"""(element) => {{
                  const dataTransfer = new DataTransfer();
                  dataTransfer.{data};
                  const event = new DragEvent("dragover", {{ dataTransfer, bubbles: true, cancelable: true }});
                  return !element.dispatchEvent(event);
                }}""",
            )
            for place in ("h1", "#id_title")
            for data in (files, link)
        }
        # Links can be dropped on text fields.
        assert stays == {
            ("h1", files): True,
            ("h1", link): True,
            ("#id_title", files): True,
            ("#id_title", link): False,
        }

    def test_a_folder_is_not_uploaded(self, new_post: Page, tmp_path: Path) -> None:
        box = new_post.locator("#id_source").bounding_box()
        assert box
        drag = {
            "x": box["x"] + 9,
            "y": box["y"] + 9,
            "data": {"items": [], "files": [str(tmp_path)], "dragOperationsMask": 1},
        }
        devtools = new_post.context.new_cdp_session(new_post)
        for step in ("dragEnter", "dragOver", "drop"):
            devtools.send("Input.dispatchDragEvent", {"type": step, **drag})
        upload = new_post.locator(".editor-uploads li")
        expect(upload).to_have_text(re.compile(r"This can't be read\. If it is a folder, open it"))
        expect(upload.get_by_role("button")).to_have_count(0)

    def test_an_inserted_image_is_surrounded_by_blank_lines(self, new_post: Page) -> None:
        source = new_post.locator("#id_source")
        found = {}
        for before in BEFORE_AND_AFTER:
            place = before.index("|")
            source.fill(before.replace("|", ""))
            source.evaluate("(source, place) => source.setSelectionRange(place, place)", place)
            drop(new_post, "x.png", picture_file().read())
            expect(source).to_have_value(re.compile("pictures"))
            picture = Picture.objects.get()
            found[before] = source.input_value().replace(picture.file.url, "x")
            new_post.keyboard.type("Described")
            assert "![Described](" in source.input_value()
            picture.delete()
        assert found == BEFORE_AND_AFTER

    def test_documents_and_images_are_added_together_and_an_error_is_shown_for_its_file(self, new_post: Page) -> None:
        source = new_post.locator("#id_source")
        source.fill("Before.")
        files: list[Any] = [
            {"name": "The report [1].pdf", "mimeType": "application/pdf", "buffer": PDF},
            {"name": "bad.jpg", "mimeType": "image/jpeg", "buffer": b"<script>alert(1)</script>"},
            {"name": "x.png", "mimeType": "image/png", "buffer": picture_file().read()},
        ]
        new_post.set_input_files(".editor-file", files)
        url = r"/media/documents/\S*\.pdf"
        expect(source).to_have_value(
            re.compile(rf"^Before\.\n\n\[The report \\\[1\\\]\]\({url}\)\n\n!\[\]\(/media/pictures/\S*\.png\)$")
        )
        errors = new_post.locator(".editor-uploads li")
        expect(errors).to_have_text(re.compile(r"^bad\.jpg\s+This file is not an image"))
        # The error is in view although the text fills the window.
        new_post.evaluate("scrollTo(0, 0)")
        expect(errors).to_be_in_viewport(ratio=1)
        # The caret is in the description of the image.
        new_post.keyboard.type("A crowd")
        assert "![A crowd](" in source.input_value()

    @pytest.mark.parametrize("mode", ["Markdown", "Visual"])
    def test_files_go_where_they_were_added_while_their_author_goes_on_writing(self, new_post: Page, mode: str) -> None:
        upload = hold_uploads(new_post)
        new_post.get_by_role("button", name=mode).click()
        expect(new_post.get_by_role("button", name=mode)).to_have_attribute("aria-pressed", "true")
        new_post.focus("#id_source" if mode == "Markdown" else ".editor-visual")
        source, keys = new_post.locator("#id_source"), new_post.keyboard
        keys.type("Before.")
        keys.press("Enter")
        drop(new_post, "a.png", picture_file().read())
        drop(new_post, "b.png", picture_file().read())
        keys.type("\nAfter")
        # The visual mode has to have read what was typed before the caret moves.
        expect(source).to_have_value(re.compile("After"))
        # Something that was written before it changes as well. Within 200 ms of the focus, ProseMirror takes a
        # caret at the beginning for a mistake of the browser, and moves it back.
        new_post.wait_for_timeout(200)
        keys.press("Control+Home")
        keys.type("Long ")
        expect(source).to_have_value(re.compile("Long "))
        keys.press("Control+End")
        upload(0).continue_()
        expect(source).to_have_value(re.compile("pictures"))
        keys.type(" it,")
        upload(1).continue_()
        expect(source).to_have_value(re.compile("pictures[^!]*!.*pictures", re.DOTALL))
        keys.type(" more.")
        text = re.sub(r"\n+", "\n", names_of_images(source.input_value()))
        assert text == "Long Before.\n![](a)\n![](b)\nAfter it, more."

        # In another field, too.
        drop(new_post, "c.png", picture_file().read())
        new_post.focus("#id_title")
        upload(2).continue_()
        expect(source).to_have_value(re.compile(r"After it, more\.\s*!\["))
        keys.type("A title")
        expect(new_post.locator("#id_title")).to_have_value("A title")

    def test_publishing_waits_for_the_files_of_the_post(self, new_post: Page) -> None:
        upload = hold_uploads(new_post)
        publish = new_post.get_by_role("button", name="Publish", exact=True)
        new_post.fill("#id_title", "With images")
        new_post.set_input_files(".editor-file", [image_payload("a.png"), image_payload("b.png")])
        publish.click()
        expect(new_post.get_by_role("button", name="Uploading…")).to_be_visible()
        new_post.set_input_files(".writing-picture-file", image_payload("c.png"))
        # If one of them can't be stored, an error is shown and nothing is saved.
        upload(0).continue_()
        upload(1).fulfill(status=403)
        upload(2).continue_()
        expect(new_post.locator(".editor-status")).to_contain_text("so nothing was saved yet")
        expect(new_post.locator(".editor-uploads li")).to_have_count(1)
        assert not Post.objects.exists()
        # The file can be sent again.
        new_post.get_by_role("button", name="Try again").click()
        publish.click()
        expect(new_post.get_by_role("button", name="Uploading…")).to_be_visible()
        upload(3).continue_()
        expect(new_post.locator(".success")).to_be_visible()
        post = Post.objects.get()
        assert post.featured_picture
        assert post.featured_picture.title == "c"
        assert {each.title for each in post.pictures.all()} == {"a", "b"}
        # The button that was pressed last counts. A featured image can also be dropped.
        expect(new_post.get_by_role("button", name="Choose another…")).to_be_visible()
        drop(new_post, "x.pdf", PDF, kind="application/pdf", place=".writing-picture-field")
        expect(new_post.locator(".writing-picture-field [role=status]")).to_contain_text("not an image")
        drop(new_post, "d.png", picture_file().read(), "e.png", place=".writing-picture-field")
        new_post.get_by_role("button", name="Unpublish").click()
        new_post.get_by_role("button", name="Update").click()
        expect(new_post.get_by_role("button", name="Unpublish")).to_be_visible()
        upload(4).continue_()
        expect(new_post.locator(".autosave-status")).to_contain_text("Post updated.")
        post.refresh_from_db()
        assert (post.status, post.featured_picture.title) == (Status.PUBLISHED, "d")
        expect(new_post.locator(".writing-picture-field [role=status]")).to_contain_text("only the first file")

    def test_each_file_that_failed_can_be_sent_again_to_its_place(self, new_post: Page) -> None:
        upload, source, keys = hold_uploads(new_post), new_post.locator("#id_source"), new_post.keyboard
        source.fill("First.\n\n\n\nLast.")
        source.evaluate("field => field.setSelectionRange(8, 8)")
        new_post.set_input_files(".editor-file", [image_payload(f"{name}.png") for name in "abc"])
        upload(0).fulfill(status=403)
        upload(1).continue_()
        upload(2).fulfill(status=403)
        again = new_post.get_by_role("button", name="Try again")
        expect(again).to_have_count(2)
        keys.press("Control+End")
        keys.type(" More.")
        again.first.click()
        upload(3).continue_()
        expect(new_post.locator(".editor-uploads progress")).to_have_count(0)
        again.click()
        upload(4).continue_()
        expect(source).to_have_value(re.compile("(?:pictures.*){3}", re.DOTALL))
        assert re.sub(r"\n+", "\n", names_of_images(source.input_value())) == (
            "First.\n![](b)\n![](a)\n![](c)\nLast. More."
        )

    def test_a_file_that_is_too_large_is_not_uploaded(self, new_post: Page) -> None:
        new_post.evaluate("document.querySelector('#id_source').dataset.maxBytes = 10")
        drop(new_post, "x.jpg", picture_file().read())
        expect(new_post.locator(".editor-uploads li")).to_contain_text("larger than 20 MB")
        assert not Picture.objects.exists()


class TestProtectionOfInput:
    def test_the_tab_key_leaves_the_text(self, new_post: Page) -> None:
        new_post.focus("#id_source")
        new_post.keyboard.press("Tab")
        expect(new_post.locator("#id_source")).not_to_be_focused()
        expect(new_post.locator("#id_source")).to_have_value("")

    def test_a_double_click_creates_one_post(self, new_post: Page) -> None:
        new_post.fill("#id_title", "Once")
        new_post.get_by_role("button", name="Save draft").dblclick()
        expect(new_post.locator(".success")).to_be_visible()
        assert Post.objects.count() == 1

    def test_after_a_failed_attempt_the_form_can_be_sent_again(self, new_post: Page) -> None:
        def answer(route: Route) -> None:
            if route.request.method == "POST":
                # The page stays, as when loading is stopped or the connection is lost.
                route.fulfill(status=204)
            else:
                route.continue_()

        new_post.route("**/post/add/", answer)
        new_post.reload()
        new_post.evaluate(KEEP_LATER)
        new_post.fill("#id_title", "At last")
        save = new_post.get_by_role("button", name="Save draft", exact=True)
        # The button changes before the request is made, which must not happen after the route is removed.
        with new_post.expect_response(lambda response: response.status == 204):
            save.click()
        expect(new_post.get_by_role("button", name="Saving…")).to_be_visible()
        expect(save).to_have_count(0)
        new_post.unroute("**/post/add/")
        new_post.evaluate("later()")
        save.click()
        expect(new_post.locator(".success")).to_be_visible()
        assert Post.objects.get().title == "At last"

    def test_leaving_with_unsaved_changes_requires_confirmation(self, new_post: Page) -> None:
        dialogs: list[str] = []

        def leave(dialog: Dialog) -> None:
            dialogs.append(dialog.type)
            dialog.accept()

        new_post.on("dialog", leave)
        new_post.fill("#id_title", "Unsaved")
        new_post.get_by_role("button", name="Menu").click()
        new_post.get_by_role("link", name="View site").click()
        new_post.wait_for_url("**/")
        assert dialogs == ["beforeunload"]

    def test_an_error_page_of_the_server_is_not_shown_as_the_preview(self, new_post: Page) -> None:
        new_post.route("**/preview/**", lambda route: route.fulfill(status=400, body="<html><h1>Oh</h1></html>"))
        new_post.reload()
        new_post.fill("#id_source", "words")
        expect(new_post.locator(".editor-notice")).to_have_text(re.compile("The preview isn't available right now"))

    def test_without_javascript_everything_is_saved_and_only_once(self, new_post: Page, log_in: LogIn) -> None:
        plain = log_in("editor", "/admin/blog/post/add/", java_script_enabled=False)
        plain.fill("#id_title", "Plain")
        plain.fill("#id_source", "Words")
        plain.fill("#id_tags", "one, two")
        plain.get_by_role("button", name="Save draft").dblclick()
        # The browser shows the response to either click.
        expect(plain.locator(".messagelist")).to_contain_text(re.compile("Draft saved|it was not saved again"))
        assert {tag.name for tag in Post.objects.get().tags.all()} == {"one", "two"}

    def test_saving_keeps_the_caret_and_the_scroll_position(self, new_post: Page) -> None:
        source = new_post.locator("#id_source")
        text = "\n\n".join(f"Paragraph {number}." for number in range(200))
        new_post.fill("#id_title", "Long")
        source.fill(text)
        place = text.index("Paragraph 120")
        source.evaluate(
            "(source, place) => { source.setSelectionRange(place, place + 9); source.scrollTop = 900 }", place
        )
        new_post.keyboard.press("Control+s")
        expect(new_post.locator(".success")).to_be_visible()
        expect(source).to_be_focused()
        # Saving stays on the page, and the other buttons return to it.
        for button, message in (("Save draft", "Draft saved."), ("Publish", "Post published.")):
            new_post.get_by_role("button", name=button, exact=True).click()
            expect(new_post.locator(".success")).to_contain_text(message)
            selected: Any = source.evaluate("({ selectionStart, selectionEnd }) => [selectionStart, selectionEnd]")
            assert selected == [place, place + 9]
            assert source.evaluate("source => source.scrollTop") == 900
        # When the text is opened again, it starts at the top.
        new_post.goto(new_post.url)
        expect(source).not_to_be_focused()
        assert source.evaluate("source => source.scrollTop") == 0


@pytest.mark.parametrize("width", [390, 1400])
def test_the_preview_is_beside_the_text_if_there_is_room(log_in: LogIn, width: int) -> None:
    UserFactory(username="editor", password=PASSWORD, role="Editor")
    new_post = log_in("editor", "/admin/blog/post/add/", viewport={"width": width, "height": 900})
    text, preview = (new_post.locator(name).bounding_box() for name in ("#id_source", ".editor-preview"))
    assert text
    assert preview
    side_by_side = abs(text["y"] - preview["y"]) < 2
    assert side_by_side == (width == 1400)
    assert new_post.evaluate("document.documentElement.scrollWidth") <= width

    # It can be scrolled with the keyboard, and shows when. (Frames never match `:focus`.)
    frame = new_post.locator(".editor-preview")
    new_post.focus("#id_source")
    for key, style in (("Tab", "solid"), ("Shift+Tab", "none")):
        new_post.keyboard.press(key)
        expect(frame).to_have_css("outline-style", style)
    # Buttons in a row that scrolls would lose a part of an outline around them.
    new_post.focus("#id_source")
    new_post.keyboard.press("Shift+Tab")
    offset = "-2px" if width == 390 else "2px"
    expect(new_post.get_by_role("button", name="Bold")).to_have_css("outline-offset", offset)
