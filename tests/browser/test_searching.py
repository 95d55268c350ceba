"""Searching in a browser: with and without suggestions, with the keyboard and the mouse."""

import pytest
from playwright.sync_api import expect

from tests.factories import PageFactory, PostFactory, at
from tests.factories.types import Faults, OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


def test_suggestions_can_be_chosen_with_the_keyboard_or_ignored(open_page: OpenPage, faults: Faults) -> None:
    PostFactory(title="Lanterns", source="A harbour", published_at=at(2019, 10, 22), tags=["Lantern makers"])
    PageFactory(title="About", source="The lantern.", slug="about")
    page = open_page("/")
    field, options = page.locator("#search-menu"), page.locator("#suggestions-0 [role=option]")
    # Its script is loaded when the field gets the focus.
    expect(field).not_to_have_role("combobox")
    field.focus()
    expect(field).to_have_role("combobox")
    field.press_sequentially("lant")
    expect(options).to_have_text(["Lanterns", "About", "Lantern makers (tag)"])
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(page.locator(".search-form [role=status]")).to_have_text("Suggestions: 3")
    assert not faults(page)
    field.press("Escape")
    expect(options.first).to_be_hidden()
    expect(field).to_have_value("lant")
    # ArrowUp goes from the field to the last suggestion, and ArrowDown back to the field.
    field.press_sequentially("er")
    expect(options.first).to_be_visible()
    field.press("ArrowUp")
    expect(page.locator(f"#{field.get_attribute('aria-activedescendant')}")).to_have_text("Lantern makers (tag)")
    field.press("ArrowDown")
    assert field.get_attribute("aria-activedescendant") is None
    field.press("ArrowDown")
    field.press("Enter")
    page.wait_for_url("**/2019/10/22/lanterns/")
    # Enter without a selected suggestion searches.
    page.fill("#search-menu", "harbour")
    page.press("#search-menu", "Enter")
    page.wait_for_url("**/?s=harbour")
    expect(page.locator("mark")).to_have_text(["harbour"])
    page.fill("#search-main", "harbour lant")
    page.locator("#suggestions-0 [role=option]").first.click()
    page.wait_for_url("**/2019/10/22/lanterns/")


def test_text_that_was_typed_before_the_script_was_loaded_gets_suggestions(open_page: OpenPage) -> None:
    PostFactory(title="Lanterns", tags=["Lantern makers"])
    # The index of tags has a search form of another kind.
    page = open_page("/tags/")
    page.fill("#search-menu", "lant")
    expect(page.locator("#suggestions-0 [role=option]").first).to_have_text("Lanterns")


def test_the_form_needs_no_script(open_page: OpenPage) -> None:
    PostFactory(title="Lanterns", source="A harbour")
    page = open_page("/", java_script_enabled=False)
    page.fill("#search-menu", "lantern")
    page.click(".sidebar .search-form button")
    expect(page.locator("h1")).to_have_text("Search Results")
    # One form is enough.
    expect(page.locator("#search-main")).to_be_visible()
    expect(page.locator("#search-menu")).to_be_hidden()
    expect(page.locator(".search-result mark").first).to_have_text("Lanterns")
