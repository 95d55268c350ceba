"""Where Safari behaves differently. Chromium, which runs these tests, is made to behave like it."""

import pytest
from playwright.sync_api import expect

from tests.factories import CategoryFactory, PostFactory, TagFactory, UserFactory
from tests.factories.types import LogIn, OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

# In Safari, the Enter that accepts a suggestion of an input method comes after the composition has ended.
ACCEPT = """field => {
  const key = { key: "Enter", keyCode: 229, bubbles: true, cancelable: true };
  return field.dispatchEvent(new KeyboardEvent("keydown", key));
}"""

# In Safari, going back to a page that it still has resets a form with autocomplete="off", without an event.
LEAVE_AND_GO_BACK = """() => {
  dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }));
  dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }));
  const form = document.querySelector("form[autocomplete=off]");
  form.addEventListener("reset", (event) => event.stopImmediatePropagation(), { capture: true, once: true });
  form.reset();
}"""
FIELDS = "() => [...new FormData(document.querySelector('form[autocomplete=off]'))].join(';')"


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


def test_going_back_to_the_form_of_a_post_leaves_what_was_typed(open_page: OpenPage, log_in: LogIn) -> None:
    UserFactory(username="editor", role="Editor")
    post = PostFactory(categories=[CategoryFactory(name="Awards"), CategoryFactory(name="Letters")])
    page = log_in("editor", f"/admin/blog/post/{post.pk}/change/")
    page.locator("#id_source").fill("Typed, not saved")
    page.get_by_label("Awards", exact=True).uncheck()
    page.get_by_label("Language", exact=True).select_option("ar")
    typed = page.evaluate(FIELDS)
    assert "Typed, not saved" in typed
    page.evaluate(LEAVE_AND_GO_BACK)
    assert page.evaluate(FIELDS) == typed
