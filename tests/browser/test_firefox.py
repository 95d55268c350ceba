"""Where Firefox and Tor Browser behave differently. Chromium, which runs these tests, is made to behave like them."""

import pytest
from playwright.sync_api import Page, Route, expect

from accounts.models import User
from comments.models import CommentStatus
from tests.factories import CommentFactory, PostFactory, UserFactory
from tests.factories.types import LogIn, OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

ARABIC = "هل هذا النص في مكانه؟"

# The effect of `match-parent` in Firefox's own style sheet on an English page. A layer yields to all other styles.
ALIGN_WITH_LIST = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("@layer { li { text-align: left; } }");
  document.adoptedStyleSheets.push(sheet);
}"""
# In Firefox, an event that a script creates without data has empty data instead of none.
EMPTY_CLIPBOARD = """() => {
  const { get } = Object.getOwnPropertyDescriptor(ClipboardEvent.prototype, "clipboardData");
  const empty = new DataTransfer();
  Object.defineProperty(ClipboardEvent.prototype, "clipboardData", { get() { return get.call(this) ?? empty; } });
}"""
PASTE_PLAIN_TEXT = """(text) => {
  const data = new DataTransfer();
  data.setData("text/plain", text);
  const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
  document.activeElement.dispatchEvent(paste);
}"""


@pytest.fixture
def editor() -> User:
    return UserFactory(username="editor", role="Editor")


def gap_at_the_right(page: Page, selector: str) -> float:
    """Return how far from the right edge of its element a text begins, in CSS pixels."""
    return float(
        page.eval_on_selector(
            selector,
            """(element) => {
              const text = document.createRange();
              text.selectNodeContents(element);
              return element.getBoundingClientRect().right - text.getBoundingClientRect().right;
            }""",
        )
    )


def test_arabic_in_a_list_on_an_english_page_starts_on_the_right(
    open_page: OpenPage, log_in: LogIn, editor: User
) -> None:
    post = PostFactory()
    CommentFactory(entry=post, text=ARABIC, status=CommentStatus.PENDING)
    CommentFactory(entry=post, text=ARABIC)
    page = open_page(post.get_absolute_url())
    page.evaluate(ALIGN_WITH_LIST)
    assert gap_at_the_right(page, ".comment-body p") < 10
    queue = log_in("editor", "/admin/comments/queue/")
    queue.evaluate(ALIGN_WITH_LIST)
    assert gap_at_the_right(queue, ".queue-comment .text") < 10


def test_the_result_of_a_decision_does_not_cover_the_buttons_for_selected_comments(log_in: LogIn, editor: User) -> None:
    """Firefox before 121 and Chrome before 105 drop rules with `:has()`."""

    def drop_rules(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace(":has(", ":unknown("))

    post = PostFactory()
    for _ in range(2):
        CommentFactory(entry=post, status=CommentStatus.PENDING)
    page = log_in("editor", "/admin/comments/queue/")
    page.route("**/*.css", drop_rules)
    page.reload()
    page.get_by_role("button", name="Spam").first.click()
    expect(page.locator("#result")).to_be_visible()
    page.get_by_label("Select the comment").first.check()
    expect(page.locator("#result")).to_be_hidden()
    page.locator("#bulk-actions").get_by_role("button", name="Approve").click()
    expect(page.locator("#result")).to_be_visible()


def test_plain_text_is_pasted_once(log_in: LogIn, editor: User) -> None:
    page = log_in("editor", "/admin/blog/post/add/")
    page.evaluate(EMPTY_CLIPBOARD)
    page.get_by_role("button", name="Visual").click()
    expect(page.get_by_role("textbox", name="Text", exact=True)).to_be_focused()
    page.evaluate(PASTE_PLAIN_TEXT, "Words\n\nMore *words*")
    expect(page.locator("#id_source")).to_have_value("Words\n\nMore \\*words\\*")
