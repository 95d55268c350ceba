"""The visual mode of the editor, which changes nothing in the source but the edited block."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import FilePayload, Page, expect

from blog.models import Post
from media.models import Picture
from media.pictures import store_picture
from tests.factories import PASSWORD, PostFactory, UserFactory
from tests.factories.files import picture_file
from tests.factories.pages import intercept
from tests.factories.types import Faults, LogIn

pytestmark = pytest.mark.django_db(transaction=True)

# Parses each source and writes it again: unchanged, and with one of its blocks replaced by a paragraph. Returns both,
# the source before and after the block and the space around it, and the text of the paragraph when parsed again.
REPLACE = """async (cases) => {
  const folder = "/static/admin-broadside/editor/visual";
  const { read, write } = await import(`${folder}/document.js`);
  const { schema } = await import(`${folder}/schema.js`);
  return cases.map(([source, place, text]) => {
    const { doc, original } = read(source);
    const index = place % doc.childCount;
    const blocks = [...doc.children];
    blocks[index] = schema.node("paragraph", { original: blocks[index].attrs.original }, schema.text(text));
    const changed = write(schema.node("doc", null, blocks), original);
    const previous = original.blocks[index - 1];
    const next = original.blocks[index + 1];
    return {
      same: write(doc, original),
      changed,
      before: previous ? source.slice(0, previous.start + previous.text.length) : original.before,
      after: next ? source.slice(next.start) : original.after,
      text: read(changed).doc.child(index).textContent,
    };
  });
}"""

BLOCKS = [
    "# Heading",
    "Heading\n===",
    "A *paragraph* with __strong__ `code`, ~~struck~~\nand [a link](</a b> 'title') <https://example.org/>",
    "a  \nb\\\nc",
    "- one\n- two\n  1) deep\n\n     deeper\n",
    "* one\n\n* two",
    "+ ```\n  code\n  ```\n+\n+ [ ] task",
    "7. seven\n8. eight",
    "> quoted\nlazily\n> > twice",
    "<div class='x'>\n*html*\n</div>",
    "<!-- comment -->",
    "<!--more-->",
    "<!-- more -->and text",
    "| a | b |\n|---|:-:|\n| 1 | 2 |",
    "term\n: definition",
    "text[^1] and ^[inline *note*] and <sup>2</sup> &amp; &copy; &nbsp;",
    "[^1]: the note\n    goes on\n\n    and on",
    "[by reference][r] and [r]",
    "[r]: https://example.org/ 'title'",
    "- [q]: /hidden",
    "    indented code",
    "```python\nx = 1\n```",
    "~~~\nnever closed",
    "<!-- never closed",
    "![picture](/media/a.jpg) ![](/media/b.jpg)",
    "https://youtu.be/a_b_c",
    '[gallery ids="1,2"]',
    "***",
    "**“quoted”**word * \\* \\",
    "اجتمع *المدافعون* أمس.",
    "\ta tab\x0b\x0c and \x01 \u200f\u00a0",
    "#",
    "-",
]
GAPS = ["\n", "\n\n", "\n\n\n", "  \n\n", "\r\n\r\n", "\r\n", "\n \t\n\n", "\r\r"]
MARKDOWN = st.builds(
    lambda space, blocks, end: space + "".join(block + gap for block, gap in blocks).rstrip("\r\n") + end,
    st.sampled_from(["", "\n", " \n\n"]),
    st.lists(st.tuples(st.sampled_from(BLOCKS), st.sampled_from(GAPS)), max_size=7),
    st.sampled_from(["", "\n", "\r\n", "\n\n  "]),
)
ANYTHING = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
SYNTAX = st.text(st.sampled_from("ab #*_-+>`~[]()!<&;:|\\^=\t\n\r0123.\u0628"), max_size=40)
WRITABLE = st.characters(exclude_categories=["Cs", "Cc", "Cn", "Z"], exclude_characters="\ufeff")
TYPED = (
    st.one_of(
        st.text(
            st.characters(exclude_categories=["Cs", "Cc", "Cn", "Z"], exclude_characters="\ufeff"),
            min_size=1,
            max_size=20,
        ),
        st.text(st.sampled_from("ab #*_-+>`~[]()!<&;:|\\^=0123.\u0628"), min_size=1, max_size=30),
        st.sampled_from(BLOCKS).map(lambda block: " ".join(block.split("\n"))),
    )
    .map(lambda text: " ".join(text.split()))
    .filter(bool)
)
CASES = st.lists(st.tuples(MARKDOWN | ANYTHING | SYNTAX, st.integers(0, 9), TYPED), min_size=20, max_size=40)


@pytest.fixture
def editor() -> None:
    UserFactory(username="editor", password=PASSWORD, role="Editor")


@pytest.mark.usefixtures("editor")
def test_a_text_keeps_every_byte_but_those_of_the_edited_block(log_in: LogIn) -> None:
    page = log_in("editor", "/admin/blog/post/add/")

    @settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
    @given(CASES)
    def check(cases: list[tuple[str, int, str]]) -> None:
        for (source, _place, text), found in zip(cases, page.evaluate(REPLACE, cases), strict=True):
            assert found["same"] == source
            assert found["changed"].startswith(found["before"])
            # A line with a colon after a paragraph is its definition, unless the colon is escaped.
            assert found["changed"].endswith(found["after"]) or found["after"].lstrip()[:1] in {":", "~"}
            assert found["text"] == text

    check()


SOURCE = """\
A  first\tparagraph
over *two* lines, with a note.[^1]

* one
*   two
## Third ##

| a | b |
|---|---|
| 1 | 2 |

<!-- more -->

Old [link](/old/) here.


[^1]: The note.
"""
PASTE = """([html, text]) => {
  const data = new DataTransfer();
  if (html) data.setData("text/html", html);
  data.setData("text/plain", text);
  const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.activeElement.dispatchEvent(paste);
}"""


def show_visual(page: Page) -> None:
    page.get_by_role("button", name="Visual").click()
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_be_focused()


@pytest.mark.usefixtures("editor")
class TestVisualMode:
    def test_edits_the_same_source(self, log_in: LogIn, faults: Faults) -> None:
        post = PostFactory(markup="markdown", source=SOURCE, title="Old")
        store_picture(picture_file(), title="One", alt="")
        page = log_in("editor", f"/admin/blog/post/{post.pk}/change/")
        source = page.locator("#id_source")
        text = page.locator(".editor-visual")
        dialog = page.locator(".editor-dialog[open]")
        keys = page.keyboard
        expected = SOURCE

        # Switching back and forth changes nothing.
        show_visual(page)
        expect(source).to_be_hidden()
        expect(source).to_have_value(SOURCE)
        page.get_by_role("button", name="Markdown").click()
        expect(source).to_be_focused()
        expect(source).to_have_value(SOURCE)
        show_visual(page)

        # The caret of the text area follows the visual mode, and other scripts can move it.
        text.locator("p").filter(has_text="Old").click()
        page.wait_for_function(
            "start => document.querySelector('#id_source').selectionStart === start", arg=SOURCE.index("Old")
        )
        source.evaluate("(source, at) => { source.setSelectionRange(at, at); source.focus(); }", SOURCE.index("Third"))
        keys.type("x")
        expect(source).to_have_value(SOURCE.replace("## Third ##", "## xThird"))
        keys.press("Control+z")
        expect(source).to_have_value(SOURCE)

        # Typing changes only its own block, and undoing it restores the block.
        text.locator("h2").click()
        keys.press("End")
        keys.press("Control+b")
        expect(page.get_by_role("button", name="Bold")).to_have_attribute("aria-pressed", "true")
        keys.type(" *part*")
        expected = expected.replace("## Third ##", "## Third **\\*part\\***")
        expect(source).to_have_value(expected)
        keys.press("Control+z")
        expect(source).to_have_value(SOURCE)

        # The buttons, on a new paragraph.
        text.locator("p").filter(has_text="Old").click()
        keys.press("End")
        keys.press("Enter")
        keys.type("New")
        for button, changed in [
            ("Heading", "## New"),
            ("Heading", "### New"),
            ("Heading", "New"),
            ("Quotation", "> New"),
            ("Quotation", "New"),
            ("List", "- New"),
            ("Numbered list", "1. New"),
            ("Numbered list", "New"),
        ]:
            page.get_by_role("button", name=button, exact=True).click()
            expected = SOURCE.replace("here.\n\n\n", f"here.\n\n{changed}\n\n")
            expect(source).to_have_value(expected)

        # A link is changed in place, and the rest of its paragraph stays.
        text.get_by_role("link", name="link").click()
        keys.press("Control+k")
        expect(dialog.get_by_label("Link text")).to_have_value("link")
        dialog.get_by_label("URL").fill("example.org/new")
        keys.press("Enter")
        expected = expected.replace("(/old/)", "(https://example.org/new)")
        expect(source).to_have_value(expected)

        # An image from the library is described below it.
        text.locator("p").filter(has_text="New").click()
        page.get_by_role("button", name="Image", exact=True).click()
        dialog.get_by_role("button", name="One").click()
        dialog.get_by_label("It is only decoration").check()
        dialog.get_by_role("button", name="Insert").click()
        text.get_by_label("Describe the image").fill("A\n[lamp]")
        image = text.get_by_role("img").get_attribute("src")
        expected = expected.replace("New\n", f"New\n\n![A \\[lamp\\]]({image})\n")
        expect(source).to_have_value(expected)
        found = faults(page)
        # A new image asks for its description immediately.
        upload: FilePayload = {"name": "lamp.png", "mimeType": "image/png", "buffer": picture_file().read()}
        page.set_input_files(".editor-file", upload)
        expect(page.locator(".editor-status")).to_contain_text("Image added")
        expect(text.get_by_label("Describe the image").last).to_be_focused()
        keys.type("New lamp")
        uploaded = Picture.objects.latest("pk").file.url
        expected = expected.replace(f"]({image})\n", f"]({image})\n\n![New lamp]({uploaded})\n")
        expect(source).to_have_value(expected)

        # Rich text can be pasted, and Markdown that is shown as source can be edited and removed.
        text.locator("p").filter(has_text="Old").click()
        keys.press("End")
        # The styles of word processors don't violate the Content-Security-Policy: `open_page` would report that.
        pasted = (
            "<style>p { margin: 0 }</style> and <i style='color: red'>some</i> <a href='https://example.org/'>more</a>"
        )
        page.evaluate(PASTE, [pasted, "…"])
        expected = expected.replace("here.\n", "here.and *some* [more](https://example.org/)\n")
        expect(source).to_have_value(expected)
        table = text.locator(".visual-raw-block").filter(has_text="Table")
        table.locator("pre").click()
        keys.press("Control+End")
        text.locator(".visual-raw-block").filter(has_text="Footnote").locator("pre").click()
        keys.press("End")
        keys.type(" *More*.")
        expected = expected.replace("The note.", "The note. *More*.")
        expect(source).to_have_value(expected)
        table.get_by_role("button", name="Remove").click()
        expected = expected.replace("| a | b |\n|---|---|\n| 1 | 2 |\n\n", "")
        expect(source).to_have_value(expected)

        # It is saved and previewed like any other text, and the browser remembers the mode.
        expect(page.frame_locator(".editor-preview").locator("em").filter(has_text="More")).to_be_visible()
        keys.press("Control+s")
        expect(page.locator(".success")).to_be_visible()
        assert Post.objects.get().source.replace("\r\n", "\n") == expected
        expect(text).to_be_visible()
        assert found == ""

    def test_the_images_of_a_gallery_are_described_moved_and_removed(self, log_in: LogIn) -> None:
        page = log_in("editor", "/admin/blog/post/add/")
        show_visual(page)
        files: list[FilePayload] = [
            {"name": f"{name}.png", "mimeType": "image/png", "buffer": picture_file().read()} for name in "abc"
        ]
        page.set_input_files(".editor-file", files)
        text = page.locator(".editor-visual")
        expect(text.get_by_label("Describe the image").first).to_be_focused()
        page.keyboard.type("One")
        a, b, c = (picture.file.url for picture in Picture.objects.order_by("pk"))
        source = page.locator("#id_source")
        expect(source).to_have_value(f"![One]({a})\n![]({b})\n![]({c})")
        text.get_by_role("button", name="Move down").first.click()
        expect(source).to_have_value(f"![]({b})\n![One]({a})\n![]({c})")
        # The image stays selected; at the end of the gallery, it doesn't move any further.
        page.keyboard.press("Alt+ArrowDown")
        page.keyboard.press("Alt+ArrowDown")
        expect(source).to_have_value(f"![]({b})\n![]({c})\n![One]({a})")
        # With the keyboard, a button can be pressed again.
        text.get_by_role("button", name="Move up").last.press("Enter")
        expect(text.get_by_role("button", name="Move up").nth(1)).to_be_focused()
        expect(source).to_have_value(f"![]({b})\n![One]({a})\n![]({c})")
        text.get_by_role("button", name="Move down").nth(1).press("Enter")
        expect(source).to_have_value(f"![]({b})\n![]({c})\n![One]({a})")
        # A description has no formatting.
        text.get_by_label("Describe the image").last.press("Control+b")
        expect(page.get_by_role("button", name="Bold")).to_have_attribute("aria-pressed", "false")
        # The focus returns to where a dialog was opened.
        page.get_by_role("button", name="Choose image…").press("Enter")
        expect(page.get_by_role("dialog", name="Image")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Choose image…")).to_be_focused()
        text.get_by_role("button", name="Remove").first.click()
        expect(source).to_have_value(f"![]({c})\n![One]({a})")

    def test_the_menu_inserts_what_it_inserts_in_markdown(self, log_in: LogIn, faults: Faults) -> None:
        page = log_in("editor", "/admin/blog/post/add/")
        show_visual(page)
        source, menu = page.locator("#id_source"), page.locator(".editor-menu li")
        page.locator(".editor-visual").click()
        page.keyboard.type("Between 1/2 and 3/4.\n/")
        expect(menu.first).to_have_attribute("aria-selected", "true")
        expect(menu).to_have_count(page.locator(".editor-toolbar [data-inserts]").count())
        assert faults(page) == ""
        page.keyboard.type("numb")
        expect(menu).to_have_text(["Numbered list"])
        page.keyboard.press("Enter")
        page.keyboard.type("First")
        expect(source).to_have_value("Between 1/2 and 3/4.\n\n1. First")

        # Esc closes only the menu, and leaves what was typed.
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Distraction-free").click()
        page.keyboard.type("/ta")
        expect(menu).to_have_text(["Table"])
        page.keyboard.press("Escape")
        expect(menu).to_have_count(0)
        expect(page.locator("#id_title")).to_be_hidden()
        expect(source).to_have_value("Between 1/2 and 3/4.\n\n1. First\n\n/ta")
        page.keyboard.press("Backspace")
        expect(menu.first).to_be_visible()
        page.keyboard.press("ArrowUp")
        expect(menu.last).to_have_attribute("aria-selected", "true")
        page.keyboard.type("a")
        menu.filter(has_text="Table").click()
        expect(page.locator(".visual-raw-block")).to_contain_text("Table")
        expect(source).to_have_value("Between 1/2 and 3/4.\n\n1. First\n\n|  |  |\n| --- | --- |\n|  |  |")

    def test_falls_back_to_markdown_if_it_cannot_be_loaded(self, log_in: LogIn) -> None:
        page = log_in("editor", "/admin/blog/post/add/")
        intercept(page, "**/prosemirror.js", lambda route: route.fulfill(status=404))
        page.get_by_role("button", name="Visual").click()
        expect(page.locator(".editor-status")).to_contain_text("couldn't be loaded")
        page.locator("#id_source").press_sequentially("Still **here**")
        expect(page.locator("#id_source")).to_have_value("Still **here**")

    def test_the_border_of_a_quotation_is_on_the_side_where_its_text_starts(self, log_in: LogIn) -> None:
        post = PostFactory(markup="markdown", source="> اقتباس\n\nText\n\n> Quotation")
        page = log_in("editor", f"/admin/blog/post/{post.pk}/change/")
        show_visual(page)
        for quotation, sides in zip(
            page.locator(".editor-visual blockquote").all(), ("0px 3px", "3px 0px"), strict=True
        ):
            style = "quotation => (({ borderLeftWidth, borderRightWidth }) => `${borderLeftWidth} ${borderRightWidth}`)"
            assert quotation.evaluate(f"{style}(getComputedStyle(quotation))") == sides

    def test_list_items_are_indented_on_keyboards_without_keys_for_brackets(self, log_in: LogIn) -> None:
        for source, indent, outdent in [("- a\n- b", "Right", "Left"), ("- ألف\n- باء", "Left", "Right")]:
            post = PostFactory(markup="markdown", source=source)
            page = log_in("editor", f"/admin/blog/post/{post.pk}/change/")
            show_visual(page)
            page.locator(".editor-visual li").last.click()
            page.keyboard.press(f"Alt+Shift+Arrow{indent}")
            expect(page.locator("#id_source")).to_have_value(source.replace("\n", "\n  "))
            page.keyboard.press(f"Alt+Shift+Arrow{outdent}")
            expect(page.locator("#id_source")).to_have_value(source)

    def test_is_available_for_markdown_only(self, log_in: LogIn) -> None:
        post = PostFactory(markup="wordpress", source="Old text")
        page = log_in("editor", f"/admin/blog/post/{post.pk}/change/")
        expect(page.locator("#id_source")).to_be_visible()
        expect(page.get_by_role("button", name="Visual")).to_have_count(0)
