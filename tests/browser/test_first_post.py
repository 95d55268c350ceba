"""The first post of an editor who comes from WordPress: from the dashboard to “Published”, without a detour."""

import re

import pytest
from playwright.sync_api import FilePayload, Page, expect

from blog.models import Post
from media.models import Picture
from tests.factories import PASSWORD, CategoryFactory, PostFactory, TagFactory, UserFactory
from tests.factories.files import PDF, picture
from tests.factories.types import Faults, LogIn

pytestmark = pytest.mark.django_db(transaction=True)

MAX_ACTIONS = 40


class Person:
    """A user whose actions are counted: each click, key press, and text typed without a pause."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.actions = 0

    def click(self, name: str, role: str = "button") -> None:
        self.actions += 1
        self.page.get_by_role(role, name=name, exact=True).click()  # type: ignore[arg-type]  # a role

    def type(self, text: str) -> None:
        self.actions += 1
        self.page.keyboard.type(text)

    def press(self, keys: str) -> None:
        self.actions += 1
        self.page.keyboard.press(keys)


def test_a_first_post_with_image_link_and_tag_takes_few_actions(log_in: LogIn, faults: Faults) -> None:
    UserFactory(username="editor", password=PASSWORD, role="Editor")
    CategoryFactory(name="Awards")
    TagFactory(name="human rights defenders")
    earlier = PostFactory(title="The shortlist")
    page = log_in("editor")
    person = Person(page)

    person.click("Add post", "link")
    person.click("Title", "textbox")
    person.type("A lamp for the night clinic")
    # The toolbar appears when the editor is ready.
    expect(page.get_by_role("toolbar")).to_be_visible()
    person.click("Text", "textbox")
    person.type("The jury has chosen. It took ")
    person.press("Control+k")
    # A person would see this before typing.
    expect(page.locator(".editor-dialog[open]")).to_be_visible()
    person.type("shortlist")
    expect(page.locator(".editor-dialog[open] .editor-results button")).to_have_count(1)
    person.press("ArrowDown")
    person.press("Enter")
    person.type(" seriously.")

    person.click("Image")
    with page.expect_file_chooser() as chooser:
        person.click("Upload…")
    person.actions += 1
    chooser.value.set_files({"name": "clinic.jpg", "mimeType": "image/jpeg", "buffer": picture("JPEG")})
    # The caret is in the description of the image.
    expect(page.locator("#id_source")).to_have_value(re.compile(r"!\[\]\(/media/"))
    person.type("Nurses at a door, at night")

    person.click("Awards", "checkbox")
    person.click("Tags", "combobox")
    person.type("human")
    expect(page.locator(".tags-list [role=option]").first).to_be_visible()
    person.press("ArrowDown")
    person.press("Enter")
    person.click("Publish")
    expect(page.locator(".messagelist")).to_have_text("Post published. View post")
    person.click("View post", "link")

    post = Post.objects.get(title="A lamp for the night clinic")
    article = page.locator("article")
    expect(article.get_by_role("heading", name=post.title)).to_be_visible()
    expect(article.get_by_role("link", name="The shortlist")).to_have_attribute("href", earlier.get_absolute_url())
    expect(article.get_by_role("img", name="Nurses at a door, at night")).to_be_visible()
    expect(article.get_by_role("link", name="human rights defenders")).to_be_visible()
    expect(article.get_by_role("link", name="Awards")).to_be_visible()
    assert faults(page) == ""
    assert person.actions <= MAX_ACTIONS


def test_a_featured_image_is_chosen_replaced_and_removed(log_in: LogIn) -> None:
    UserFactory(username="editor", password=PASSWORD, role="Editor")
    page = log_in("editor", "/admin/blog/post/add/")
    image, field = page.locator(".writing-picture img"), page.locator("[name=featured_picture]")
    dialog = page.get_by_role("dialog", name="Image")

    def upload(name: str) -> None:
        with page.expect_file_chooser() as chooser:
            dialog.get_by_role("button", name="Upload…").click()
        chooser.value.set_files({"name": name, "mimeType": "image/png", "buffer": picture("PNG")})

    expect(field).to_be_hidden()
    page.get_by_role("button", name="Choose image…").click()
    upload("lamp.png")
    expect(image).to_be_visible()
    first = field.input_value()
    page.get_by_role("button", name="Choose another…").click()
    upload("door.png")
    expect(field).not_to_have_value(first)
    page.get_by_role("button", name="Choose another…").click()
    dialog.get_by_role("button", name="lamp").click()
    expect(field).to_have_value(first)
    # It is described in another tab.
    caption = page.locator(".writing-picture-alt")
    expect(caption).to_contain_text("It has no alternative text")
    page.get_by_role("button", name="Check the text").click()
    advice = page.locator("#writing-review").get_by_text("The featured image has no alternative text")
    expect(advice).to_be_visible()
    Picture.objects.filter(pk=first).update(alt="A lamp")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(caption).to_have_text("Alternative text: A lamp")
    expect(advice).to_have_count(0)
    document = FilePayload(name="a.pdf", mimeType="application/pdf", buffer=PDF)
    page.locator(".writing-picture-file").set_input_files(document)
    expect(page.locator(".writing-picture-field [role=status]")).not_to_be_empty()
    expect(field).to_have_value(first)
    page.fill("#id_title", "With an image")
    page.get_by_role("button", name="Save draft").first.click()
    expect(page.locator(".success")).to_be_visible()
    expect(image).to_be_visible()
    assert str(Post.objects.get().featured_picture_id) == first
    page.get_by_role("button", name="Remove", exact=True).click()
    expect(image).to_be_hidden()
    page.get_by_role("button", name="Save draft").first.click()
    expect(page.locator(".success")).to_be_visible()
    expect(page.get_by_role("button", name="Choose image…")).to_be_visible()
    assert Post.objects.get().featured_picture is None
