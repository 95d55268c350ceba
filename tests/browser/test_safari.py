"""Where Safari behaves differently. Chromium, which runs these tests, is made to behave like it."""

import pytest
from playwright.sync_api import expect

from tests.factories import PostFactory, TagFactory, UserFactory
from tests.factories.types import LogIn, OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

# In Safari, the Enter that accepts a suggestion of an input method comes after the composition has ended.
ACCEPT = """field => {
  const key = { key: "Enter", keyCode: 229, bubbles: true, cancelable: true };
  return field.dispatchEvent(new KeyboardEvent("keydown", key));
}"""


def test_enter_accepts_a_suggestion_of_an_input_method_and_does_nothing_else(
    open_page: OpenPage, log_in: LogIn
) -> None:
    UserFactory(username="editor", role="Editor")
    TagFactory(name="人権")
    PostFactory(title="人権の日")
    page = open_page("/")
    search = page.locator("[name=s]").first
    search.fill("人権")
    expect(page.get_by_role("option")).not_to_have_count(0)
    search.press("ArrowDown")
    assert search.evaluate(ACCEPT)

    page = log_in("editor", "/admin/blog/post/add/")
    source = page.locator("#id_source")
    source.fill("- 人権")
    assert source.evaluate(ACCEPT)
    expect(source).to_have_value("- 人権")
    tags = page.locator(".tags-input")
    tags.fill("人権")
    tags.press("ArrowDown")
    assert tags.evaluate(ACCEPT)
    expect(page.locator(".tags-chips li")).to_have_count(0)
