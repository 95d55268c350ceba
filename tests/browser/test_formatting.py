"""The toolbar, the shortcuts and the preview of the editor."""

import datetime as dt
import re
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from blog.models import Post
from media.documents import store_document
from media.models import Picture
from media.pictures import store_picture
from tests.factories import PASSWORD, PostFactory, UserFactory
from tests.factories.files import pdf_file, picture_file
from tests.factories.types import Faults, LogIn

pytestmark = pytest.mark.django_db(transaction=True)

# For each button or shortcut: a text whose selection or caret is marked by bars, and the expected text.
IN_MARKDOWN = [
    ("Control+b", "some |words|", "some **|words|**"),
    ("Control+b", "some **|words|**", "some |words|"),
    ("Control+b", "| words |!", " **|words|** !"),
    ("Control+b", "so wo|rds", "so **wo|rds**"),
    ("Control+b", "|", "**|**"),
    ("Control+b", "**|**", "|"),
    ("Control+i", "**|words|**", "***|words|***"),
    ("Control+i", "***|words|***", "**|words|**"),
    ("Control+i", "кло|н", "*кло|н*"),
    ("Control+e", "a |b| c", "a `|b|` c"),
    ("code", "a\n|b\nc|", "a\n\n```\nb\nc\n```|"),
    ("heading", "a\nb|\nc", "a\n\n## b|\n\nc"),
    ("heading", "## b|", "### b|"),
    ("heading", "### b|", "b|"),
    ("quote", "a\n|b\n\nc|", "a\n\n|> b\n>\n> c|"),
    ("quote", "|> b\n>\n> c|", "|b\n\nc|"),
    ("Control+Shift+8", "|a\nb|", "|- a\n- b|"),
    ("Control+Shift+7", "|- a\n- b|", "|1. a\n2. b|"),
    ("numbered", "|1. a\n2. b|", "|a\nb|"),
    ("footnote", "a| b", "a[^1] b\n\n[^1]: |"),
    ("footnote", "a[^1] b|\n\n[^1]: x\n", "a[^1] b[^2]\n\n[^1]: x\n[^2]: |"),
    ("embed", "a|", "a\n\n|https://|"),
    ("more", "a| b", "a\n\n<!--more-->|\n\n b"),
    ("Enter", "- a|", "- a\n- |"),
    ("Enter", "- a\n- |", "- a\n\n|"),
    ("Enter", "- a\n\n- |", "- a\n\n|"),
    ("Enter", "- a\n  - |", "- a\n|"),
    ("Enter", "- |", "|"),
    ("Enter", "> a\n> |", "> a\n\n|"),
    ("Enter", "  9. a|", "  9. a\n  10. |"),
    ("Enter", "> a|", "> a\n> |"),
    ("Enter", "no list|", "no list\n|"),
]
IN_HTML = [
    ("Control+b", "some |words|", "some <strong>|words|</strong>"),
    ("italic", "some <em>|words|</em>", "some |words|"),
    ("heading", "b|", "<h2>|b|</h2>"),
    ("quote", "a|", "<blockquote>\n|a|\n</blockquote>"),
    ("list", "|a\nb|", "<ul>\n<li>a</li>\n<li>b|</li>\n</ul>"),
    ("more", "a|", "a\n\n<!--more-->|"),
    ("Enter", "- a|", "- a\n|"),
]


# Scrolls the text to a share of its height, and returns the line in the middle, or the last one above that has text.
SCROLL = """(source, share) => {
  source.scrollTop = share * (source.scrollHeight - source.clientHeight);
  const { left, top, width, height } = source.getBoundingClientRect();
  const { offset } = document.caretPositionFromPoint(left + width / 2, top + height / 2);
  const end = source.value.indexOf("\\n", offset);
  return source.value.slice(0, end).trimEnd().split("\\n").at(-1);
}"""


@pytest.fixture
def editor() -> None:
    UserFactory(username="editor", password=PASSWORD, role="Editor")


def do_all(page: Page, cases: list[tuple[str, str, str]]) -> dict[tuple[str, str], str]:
    """Return the result of each button or shortcut. Undoing it once or twice must restore the text."""
    found = {}
    source = page.locator("#id_source")
    for action, before, _after in cases:
        text = before.replace("|", "")
        start, end = before.index("|"), before.rindex("|") - before.count("|") + 1
        source.fill(text)
        source.evaluate("(source, [start, end]) => source.setSelectionRange(start, end)", [start, end])
        if action[0].isupper():
            page.keyboard.press(action)
        else:
            page.click(f"[data-tool={action}]")
        value, start, end = source.evaluate("source => [source.value, source.selectionStart, source.selectionEnd]")
        found[action, before] = value[:start] + "|" + (value[start:end] + "|" if end > start else "") + value[end:]
        for _ in range(2):
            if source.input_value() != text:
                page.keyboard.press("Control+z")
        assert source.input_value() == text, f"{action} could not be undone"
    return found


def press(page: Page, key: str, code: str, shift: bool) -> None:
    """Press Ctrl and the key that types `key`, which is where a keyboard of the United States has the key `code`."""
    event = {"type": "rawKeyDown", "key": key, "code": code, "modifiers": 10 if shift else 2}
    page.context.new_cdp_session(page).send("Input.dispatchKeyEvent", event)


@pytest.mark.usefixtures("editor")
class TestToolbar:
    def test_formats_markdown(self, log_in: LogIn) -> None:
        page = log_in("editor", "/admin/blog/post/add/")
        assert do_all(page, IN_MARKDOWN) == {(action, before): after for action, before, after in IN_MARKDOWN}
        # Undoing a footnote once leaves nothing that readers see. The caret is in view at the end of a long text.
        source = page.locator("#id_source")
        source.fill("a\n" * 200)
        source.evaluate("source => { source.setSelectionRange(1, 1); source.scrollTop = 0; }")
        page.click("[data-tool=footnote]")
        assert source.evaluate("source => source.scrollTop + source.clientHeight >= source.scrollHeight - 1")
        page.keyboard.press("Control+z")
        expect(source).to_have_value("a\n" * 199 + "a\n\n[^1]: ")

    def test_writes_html_in_posts_with_html_markup(self, log_in: LogIn) -> None:
        post = PostFactory(markup="wordpress", source="Old text")
        page = log_in("editor", f"/admin/blog/post/{post.pk}/change/")
        assert do_all(page, IN_HTML) == {(action, before): after for action, before, after in IN_HTML}
        expect(page.locator("[data-tool=footnote]")).to_have_count(0)

    def test_images_that_are_added_together_become_a_gallery_in_html_as_well(self, log_in: LogIn) -> None:
        post = PostFactory(markup="wordpress", source="Old text")
        page = log_in("editor", f"/admin/blog/post/{post.pk}/change/")
        files: list[FilePayload] = [
            {"name": f"{name}.png", "mimeType": "image/png", "buffer": picture_file().read()} for name in "ab"
        ]
        page.set_input_files(".editor-file", files)
        source = page.locator("#id_source")
        expect(source).to_have_value(re.compile("</figure>\n</figure>"))
        page.keyboard.type("A crowd")
        first, second = (picture.file.url for picture in Picture.objects.order_by("pk"))
        figures = f'<figure><img src="{first}" alt="A crowd"></figure>\n<figure><img src="{second}" alt=""></figure>'
        assert source.input_value() == f'<figure class="wp-block-gallery">\n{figures}\n</figure>\n\nOld text'
        gallery = page.frame_locator(".editor-preview").locator(".wp-block-gallery")
        expect(gallery.locator("> figure > img")).to_have_count(2)
        expect(gallery.locator("> *")).to_have_count(2)

    def test_inserts_an_empty_table_with_the_caret_in_its_first_cell(self, log_in: LogIn) -> None:
        page = log_in("editor", "/admin/blog/post/add/")
        source = page.locator("#id_source")
        source.fill("Before")
        page.click("[data-tool=table]")
        page.keyboard.type("Year")
        expect(source).to_have_value("Before\n\n| Year |  |\n| --- | --- |\n|  |  |")
        expect(page.frame_locator(".editor-preview").locator("th").first).to_have_text("Year")
        source.fill("Before")
        page.get_by_role("button", name="Visual").click()
        page.click("[data-tool=table]")
        expect(page.locator(".visual-raw-block")).to_contain_text("Table")
        expect(source).to_have_value("Before\n\n|  |  |\n| --- | --- |\n|  |  |")

    def test_can_be_used_with_the_keyboard(self, log_in: LogIn) -> None:
        page = log_in("editor", "/admin/blog/post/add/")
        focused = page.locator("[data-tool]:focus")
        page.focus("#id_source")
        page.keyboard.press("Shift+Tab")
        expect(focused).to_have_attribute("data-tool", "bold")
        page.keyboard.press("ArrowRight")
        expect(focused).to_have_accessible_name("Italic")
        page.keyboard.press("End")
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
        expect(dialog).to_contain_text("Ctrl+Shift+7")
        expect(dialog).to_contain_text("Alt+Shift+→")
        # In Arabic, keys next to each other stay apart.
        expect(dialog.locator("kbd").first).to_have_css("unicode-bidi", "isolate")
        page.keyboard.press("Escape")
        page.keyboard.press("ArrowLeft")
        # Nothing else can be reached until Esc is pressed, not even the settings beside the text.
        expect(page.locator(".writing-panel")).to_be_visible()
        page.keyboard.press("Enter")
        expect(page.locator("#id_source")).to_be_focused()
        expect(page.locator(".writing-panel")).to_be_hidden()
        # At the end of the window, the menu opens above the line. Esc then closes only the menu.
        page.keyboard.type("\n" * 60 + "/")
        expect(page.locator(".editor-menu li").last).to_be_in_viewport(ratio=1)
        page.keyboard.press("Escape")
        expect(page.locator(".editor-menu")).to_have_count(0)
        expect(page.locator("#id_title")).to_be_hidden()
        page.keyboard.press("Escape")
        expect(page.locator("#id_title")).to_be_visible()
        # Keys are known by what is printed on them, or by their place where that isn't Latin.
        source = page.locator("#id_source")
        for key, code, shift in (("b", "KeyN", False), ("и", "KeyB", False), ("7", "Digit7", True)):
            source.fill("word")
            press(page, key, code, shift)
            expect(source).to_have_value("1. word" if shift else "**word**")
        source.fill("word")
        press(page, "n", "KeyB", shift=False)
        # Dvorak has the full stop where others have E.
        press(page, ".", "KeyE", shift=False)
        expect(source).to_have_value("word")
        page.fill("#id_title", "Saved")
        press(page, "s", "Semicolon", shift=False)
        expect(page.locator(".success")).to_be_visible()
        assert Post.objects.get().title == "Saved"


@pytest.mark.usefixtures("editor")
def test_links_and_media_are_searched_and_inserted(log_in: LogIn, faults: Faults) -> None:
    target = PostFactory(title="Défenseurs [2024]", published_at=dt.datetime(2024, 3, 8, 12, tzinfo=dt.UTC))
    described = store_picture(picture_file(), title="One", alt="A *crowd*")
    bare = store_picture(picture_file(), title="Two")
    document = store_document(pdf_file(), title="Report")
    page = log_in("editor", "/admin/blog/post/add/")
    source = page.locator("#id_source")
    dialog = page.locator(".editor-dialog[open]")

    # A link to one of the site's own posts, from the menu. Text that matches no title is not taken for a URL.
    source.press_sequentially("Read this.\n\n/li")
    expect(page.locator(".editor-menu li")).to_have_text(["Link", "List", "Numbered list"])
    page.keyboard.press("Enter")
    page.keyboard.type("nothing like it")
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("status")).to_have_text("No published post or page has these words in its title.")
    page.keyboard.press("Control+a")
    page.keyboard.type("defenseurs")
    expect(dialog.get_by_role("status")).to_have_text("Posts and pages found: 1")
    found = {"link": faults(page)}
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    before = "Read this.\n\n"
    link = f"{before}[Défenseurs \\[2024\\]]({target.get_absolute_url()})"
    expect(source).to_have_value(link)
    # The existing link is changed, not nested.
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Control+k")
    expect(dialog.get_by_label("Link text")).to_have_value("Défenseurs [2024]")
    dialog.get_by_label("URL").fill("example.org/a(b)")
    page.keyboard.press("Enter")
    link = f"{before}[Défenseurs \\[2024\\]](https://example.org/a%28b%29)"
    expect(source).to_have_value(link)

    # An image with a description, and one that needs a description.
    page.click("[data-tool=image]")
    expect(dialog.get_by_role("status")).to_have_text("Files shown: 2")
    dialog.get_by_role("button", name="A *crowd*").click()
    expect(dialog.get_by_label("Describe the image")).to_have_value("A *crowd*")
    found["media"] = faults(page)
    page.keyboard.press("Enter")
    text = f"{link}\n\n![A \\*crowd\\*]({described.file.url})"
    expect(source).to_have_value(text)
    page.click("[data-tool=image]")
    dialog.get_by_role("searchbox").fill("two")
    expect(dialog.get_by_role("status")).to_have_text("Files shown: 1")
    dialog.get_by_role("button", name="Two").click()
    page.keyboard.press("Enter")
    expect(dialog).to_be_visible()
    dialog.get_by_label("It is only decoration").check()
    dialog.get_by_role("button", name="Insert").click()
    text += f"\n\n![]({bare.file.url})"
    expect(source).to_have_value(text)
    page.keyboard.press("Control+End")
    page.click("[data-tool=document]")
    dialog.get_by_role("button", name="Report").click()
    expect(source).to_have_value(f"{text}[Report]({document.file.url})")
    page.keyboard.press("Control+z")
    expect(source).to_have_value(text)
    page.click("[data-tool=shortcuts]")
    found["shortcuts"] = faults(page)
    assert found == dict.fromkeys(found, "")


@pytest.mark.usefixtures("editor")
def test_the_preview_looks_like_the_site_and_follows_the_text(log_in: LogIn) -> None:
    page = log_in("editor", "/admin/blog/post/add/", viewport={"width": 1400, "height": 900})
    frame = page.frame_locator(".editor-preview")
    page.fill("#id_title", "A lamp")
    page.fill("#id_source", "A note.[^1] [Link](/about/)\n\n" + "Words.\n\n" * 200 + "> End\n\n[^1]: Said quietly.")
    expect(frame.locator("h1")).to_have_text("A lamp")
    quote = frame.locator("blockquote")
    expect(quote).to_have_css("border-inline-start-style", "solid")
    expect(page.locator(".editor-count")).to_have_text("Words: 207 · Reading time: 1 min")
    page.locator("#id_source").evaluate("source => { source.scrollTop = 0 }")
    expect(quote).not_to_be_in_viewport()
    page.locator("#id_source").evaluate("source => { source.scrollTop = source.scrollHeight }")
    expect(quote).to_be_in_viewport()
    # It follows paragraph by paragraph, although headings take more room in the preview than in the text.
    headings = [f"## Heading {number}" for number in range(60)]
    paragraphs = [f"Paragraph {number}. {'It is long. ' * 30}[^{number}] End." for number in range(60)]
    notes = [f"[^{number}]: Note {number}" for number in range(60)]
    page.fill("#id_source", "\n\n".join([*headings, *paragraphs, *notes]))
    expect(frame.get_by_text("Paragraph 59.")).to_have_count(1)
    for share in (0.1, 0.3, 0.5, 0.7):
        line: Any = page.locator("#id_source").evaluate(SCROLL, share)
        words = line.lstrip("# ").split(" It is")[0]
        expect(frame.get_by_text(words, exact=words.startswith("Heading"))).to_be_in_viewport()
    page.fill("#id_source", "A note.[^1] [Link](/about/)\n\n" + "Words.\n\n" * 200 + "> End\n\n[^1]: Said quietly.")
    expect(frame.locator(".footnote-backref")).to_have_count(1)
    page.locator("#id_source").evaluate("source => { source.scrollTop = source.scrollHeight }")
    # In WebKit, no listener is called in a frame without scripts, so it's for the browser to follow these links.
    expect(frame.locator(".footnote-backref")).to_have_attribute("href", "about:srcdoc#fnref1")
    frame.locator(".footnote-backref").click()
    expect(frame.locator(".footnote-ref a")).to_be_in_viewport()
    with page.expect_popup() as opened:
        frame.get_by_role("link", name="Link").click()
    assert opened.value.url.endswith("/about/")
    expect(frame.locator("article")).not_to_have_attribute("dir", "rtl")
    page.select_option("#id_language", "ar")
    expect(frame.locator("article")).to_have_attribute("dir", "rtl")
    # The fields are spell-checked and read aloud in the language of the text.
    for written in ("#id_title", "#id_source", ".editor-visual", "#id_excerpt"):
        expect(page.locator(written)).to_have_attribute("lang", "ar")
