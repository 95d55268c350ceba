"""Tags in a browser: the field with chips and suggestions, and merging several tags, whose old links still work."""

import pytest
from playwright.sync_api import expect

from blog.models import Post
from tags.models import Tag
from tests.factories import PASSWORD, PostFactory, TagFactory, UserFactory
from tests.factories.types import LogIn

pytestmark = pytest.mark.django_db(transaction=True)

PASTE = """(input, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  input.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
}"""


def test_tags_are_chosen_created_pasted_and_removed_with_the_keyboard(log_in: LogIn) -> None:
    UserFactory(username="editor", password=PASSWORD, role="Editor")
    PostFactory(tags=["human rights", "Geneva"])
    TagFactory(name="human kind")
    TagFactory(name="Свобода")
    page = log_in("editor", "/admin/blog/post/add/")
    field, options = page.get_by_role("combobox", name="Tags"), page.locator(".tags-list [role=option]")
    chips, stored = page.locator(".tags-chip bdi"), page.locator("[name=tags]")
    expect(field).to_have_role("combobox")
    # The most used first, and at the end a new tag.
    field.press_sequentially("hum")
    expect(options).to_have_text(["human rights (1)", "human kind (0)", "Create “hum”"])
    expect(field).to_have_attribute("aria-expanded", "true")
    field.press("Escape")
    expect(options.first).to_be_hidden()
    # The commas of an input method are part of what it is still composing.
    for composed, event in [
        ("hum,a", "new InputEvent('input', { isComposing: true })"),
        ("hum", "new Event('compositionend')"),
    ]:
        field.evaluate(f"(field, text) => {{ field.value = text; field.dispatchEvent({event}); }}", composed)
    expect(chips).to_have_count(0)
    field.press_sequentially("a")
    expect(options.last).to_have_text("Create “huma”")
    expect(options.last).to_be_visible()
    field.press("ArrowDown")
    expect(page.locator(f"#{field.get_attribute('aria-activedescendant')}")).to_have_text("human rights (1)")
    field.press("Enter")
    field.press_sequentially("Brand new,")
    field.evaluate(PASTE, "one,  TWO\nhuman rights، three")
    expect(chips).to_have_text(["human rights", "Brand new", "one", "TWO", "three"])
    # Backspace turns the last tag back into text that can be corrected.
    field.press("Backspace")
    expect(field).to_have_value("three")
    field.press("Backspace")
    field.press("Enter")
    expect(stored).to_have_value("human rights, Brand new, one, TWO, thre")
    page.get_by_role("button", name="Remove Brand new").press("Enter")
    expect(field).to_be_focused()
    field.press_sequentially("СВО")
    options.get_by_text("Свобода").click()
    # Tags can be suggested from the text.
    page.fill("#id_title", "A day in Geneva")
    suggest = page.get_by_role("button", name="Suggest tags from the text")
    # Until the server responds, the button is busy.
    assert suggest.evaluate("(button) => { button.click(); return button.getAttribute('aria-busy'); }") == "true"
    expect(suggest).not_to_have_attribute("aria-busy", "true")
    page.get_by_role("button", name="+ Geneva").click()
    # Text that was typed without a comma becomes a tag too.
    field.fill("last")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator(".success")).to_be_visible()
    names = {tag.name for tag in Post.objects.get(title="A day in Geneva").tags.all()}
    assert names == {"human rights", "one", "TWO", "thre", "Свобода", "Geneva", "last"}


def test_three_tags_are_merged_and_their_old_links_lead_to_the_remaining_one(log_in: LogIn) -> None:
    UserFactory(username="editor", password=PASSWORD, role="Editor")
    PostFactory(title="First post", tags=["HRDs", "defenders"])
    PostFactory(title="Second post", tags=["HRD", "defenders"])
    PostFactory(title="Third post", tags=["HRDs"])
    page = log_in("editor", "/admin/tags/tag/")
    for name in ("HRD", "HRDs", "defenders"):
        row = page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))
        row.get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option("Merge…")
    page.get_by_role("button", name="Run").click()
    # Another tag could be entered, with suggestions of existing ones; a second one replaces the first.
    field, options = page.get_by_role("combobox", name="another tag"), page.locator(".tags-list [role=option]")
    for typed, found in [("defe", "defenders (2)"), ("hrds", "HRDs (2)")]:
        field.press_sequentially(typed)
        expect(options.filter(has_text=found)).to_be_visible()
        field.press("ArrowDown")
        field.press("Enter")
    expect(page.locator(".tags-chip bdi")).to_have_text(["HRDs"])
    page.get_by_role("button", name="Remove HRDs").click()
    page.get_by_label("defenders (2 posts)").check()
    page.get_by_role("button", name="Show what will change").click()
    expect(page.get_by_text("1 post will get the tag “defenders”.")).to_be_visible()
    expect(page.locator(".url-changes li")).to_have_count(2)
    page.get_by_role("button", name="Merge into “defenders”").click()
    expect(page.locator(".success")).to_contain_text("merged into “defenders”")
    message = page.url
    for path in ("/tag/hrd/", "/tag/hrds/"):
        page.goto(path)
        assert page.url.endswith("/tag/defenders/")
        expect(page.get_by_role("link", name="Third post").first).to_be_visible()
    assert "/tag/defenders/feed/" in page.request.get("/tag/hrds/feed/").url
    page.goto(message.replace("/tag/", "/tagchange/"))
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".success")).to_contain_text("Undone")
    assert {tag.name for tag in Tag.objects.all()} == {"HRD", "HRDs", "defenders"}
    page.goto("/tag/hrd/")
    assert page.url.endswith("/tag/hrd/")


@pytest.mark.parametrize("has_touch", [False, True], ids=["mouse", "touch"])
def test_a_button_below_the_field_is_clicked_although_the_new_chip_moves_it(log_in: LogIn, has_touch: bool) -> None:
    UserFactory(username="editor", password=PASSWORD, role="Editor")
    PostFactory(title="A lamp")
    page = log_in("editor", "/admin/blog/post/", has_touch=has_touch)
    page.get_by_role("checkbox", name="A lamp").check()
    page.get_by_label("Action:").select_option("Edit…")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("combobox", name="Add tags").press_sequentially("prizes, lamps and the people who light them")
    button = page.get_by_role("button", name="Show what will change")
    if has_touch:
        button.tap()
    else:
        button.click()
    expect(page.get_by_role("heading", name="1 will change")).to_be_visible()
