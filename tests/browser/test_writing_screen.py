"""The writing screen in a browser: the bar, the panel, scheduling and errors."""

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings

from blog.models import Post, Status
from media.pictures import store_picture
from tests.factories import PASSWORD, CategoryFactory, PostFactory, UserFactory
from tests.factories.files import picture_file
from tests.factories.types import Faults, LogIn

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = {"viewport": {"width": 320, "height": 640}}


@pytest.fixture(autouse=True)
def _editor(db: None) -> None:
    UserFactory(username="editor", password=PASSWORD, role="Editor")


def test_the_selected_one_of_many_categories_is_in_view(log_in: LogIn) -> None:
    chosen = [CategoryFactory(name=f"Category {number:02}") for number in range(60)][-1]
    CategoryFactory(name="Donaudampfschifffahrt" * 6)
    high = {"viewport": {"width": 1280, "height": 1200}}
    page = log_in("editor", f"/admin/blog/post/{PostFactory(categories=[chosen]).pk}/change/", **high)
    expect(page.get_by_label("Category 59")).to_be_in_viewport()
    assert page.get_by_label("Category 59").evaluate("box => box.offsetWidth === box.offsetHeight")
    assert page.evaluate("scrollY") == 0
    # Long names break.
    assert page.locator("#id_categories").evaluate("box => box.scrollWidth <= box.clientWidth")

    # Categories can be searched. The Enter key must not save the text.
    page.get_by_label("Search: Categories").fill("category 0")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Category 07")).to_be_visible()
    expect(page.get_by_label("Category 59")).to_be_hidden()
    expect(page.get_by_label("Category 59")).to_be_checked()
    page.get_by_label("Search: Categories").fill("nothing like it")
    expect(page.get_by_text("Nothing found.")).to_be_visible()

    # A long title is entirely in view.
    page.fill("#id_title", "A title of many words. " * 12)
    assert page.evaluate("(title => title.scrollHeight - title.clientHeight)(document.querySelector('#id_title'))") <= 0


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_post_is_drafted_scheduled_published_and_unpublished(log_in: LogIn, settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Amsterdam"
    page = log_in("editor", "/admin/blog/post/add/")
    message, state = page.locator(".success"), page.locator(".writing-state-words")
    page.fill("#id_title", "A lamp")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Text", exact=True)).to_be_focused()
    expect(page.locator("#id_title")).to_have_value("A lamp")
    page.locator("#id_slug").press("Enter")
    expect(message).to_have_text("Draft saved. Preview post")
    expect(page).to_have_url(re.compile("/change/$"))

    # The Schedule button asks for the time first, and an error links to its field.
    page.get_by_text("Schedule…").click()
    expect(page.get_by_label("Publish at")).to_be_focused()
    expect(page.get_by_text("Times are in Amsterdam (UTC+")).to_be_visible()
    # It closes like a menu, rather than cover what has the focus.
    page.get_by_role("button", name="Check the text").focus()
    expect(page.get_by_label("Publish at")).to_be_hidden()
    page.get_by_text("Schedule…").click()
    page.get_by_label("Publish at").fill("2037-03-29T02:30")
    press(page, "Schedule")
    expect(page.locator(".writing-errors")).to_be_focused()
    expect(page.locator(".writing-errors")).to_contain_text("There is no 02:30 on this day")
    page.get_by_role("link", name="Publish at").click()
    expect(page.get_by_label("Publish at")).to_be_focused()
    page.get_by_label("Publish at").fill("2037-10-25T02:30")
    press(page, "Schedule")
    page.get_by_label("after the clocks go back (UTC+1)").check()
    # Enter in the field doesn't save a draft.
    page.get_by_label("Publish at").press("Enter")
    expect(message).to_contain_text("Scheduled for Sun 25 October 2037, 02:30.")
    expect(state).to_have_text("Scheduled for Sun 25 October 2037, 02:30")

    press(page, "Publish now")
    expect(message).to_have_text("Post published. View post")
    press(page, "Unpublish")
    expect(message).to_have_text("Moved back to drafts. Preview post")
    assert Post.objects.get().status == Status.DRAFT


def test_unsaved_text_is_previewed_in_another_tab(log_in: LogIn) -> None:
    page = log_in("editor", "/admin/blog/post/add/")
    page.fill("#id_title", "Unsaved")
    page.fill("#id_source", "Some *words*.")
    for words in ("words", "others"):
        page.fill("#id_source", f"Some *{words}*.")
        if words == "words":
            with page.context.expect_page() as opened:
                page.get_by_role("button", name="Preview").click()
            tab = opened.value
        else:
            page.get_by_role("button", name="Preview").click()
        expect(tab.locator("article em")).to_have_text(words)
    press(page, "Check the text")
    expect(page.get_by_text("There is no category.")).to_be_visible()
    expect(page.locator(".writing-result-title").first).to_have_text("Unsaved")
    assert not Post.objects.exists()
    # A preview does not count as a submission, so the form can still be saved.
    press(page, "Save draft")
    expect(page.locator(".success")).to_contain_text("Draft saved.")


def test_images_get_their_descriptions_from_the_library_with_one_click(log_in: LogIn, faults: Faults) -> None:
    url = store_picture(picture_file(), alt='A "crowd" [of *many*]').file.url
    markdown = PostFactory(source=f"One\n\n![]({url})\n\n<img src='{url}' alt=''>\n\nTwo")
    html = PostFactory(source=f'<p><img class="a" src="{url}" /></p>', markup="html")
    page = log_in("editor", f"/admin/blog/post/{markdown.pk}/change/")
    source, status = page.locator("#id_source"), page.locator(".writing-check-status")
    use = page.get_by_role("button", name='Use the library\'s text: A "crowd" [of *many*]')
    assert faults(page) == ""
    use.first.click()
    described = f'One\n\n![A "crowd" \\[of \\*many\\*\\]]({url})\n\n'
    expect(source).to_have_value(f"{described}<img src='{url}' alt=''>\n\nTwo")
    expect(status).to_have_text("The description was added to the text.")
    use.click()
    expect(source).to_have_value(f"{described}<img src='{url}' alt=\"A &#34;crowd&#34; [of *many*]\">\n\nTwo")
    expect(use).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(source).to_have_value(f"{described}<img src='{url}' alt=''>\n\nTwo")
    # The next check offers the undone description again. An image that is no longer in the text is not described.
    press(page, "Check the text")
    expect(use).to_have_count(1)
    source.fill("Nothing")
    use.click()
    expect(status).to_contain_text("no longer contains this image")
    source.fill(described)

    page.goto(f"/admin/blog/post/{html.pk}/change/")
    use.click()
    alt = 'alt="A &#34;crowd&#34; [of *many*]"'
    expect(source).to_have_value(f'<p><img class="a" src="{url}" {alt} /></p>')


def test_the_panel_can_be_closed_and_is_a_sheet_on_a_phone(log_in: LogIn) -> None:
    post = PostFactory()
    url = f"/admin/blog/post/{post.pk}/change/"
    wide = log_in("editor", url)
    excerpt = wide.get_by_label("Excerpt")
    expect(excerpt).to_be_visible()
    press(wide, "Settings")
    expect(excerpt).to_be_hidden()
    wide.reload()
    expect(excerpt).to_be_hidden()
    press(wide, "Settings")
    expect(excerpt).to_be_visible()
    # A section that was closed stays closed, unless something in it has to be corrected.
    for name in ("Excerpt", "URL and format"):
        wide.locator("summary", has_text=name).click()
    expect(excerpt).to_be_hidden()
    wide.reload()
    expect(wide.get_by_label("Slug")).to_be_hidden()
    expect(excerpt).to_be_hidden()
    wide.locator("#id_slug").evaluate("slug => { slug.value = 'not/possible' }")
    press(wide, "Update")
    expect(wide.get_by_label("Slug")).to_be_visible()
    expect(excerpt).to_be_hidden()

    phone = log_in("editor", url, **PHONE)
    excerpt = phone.get_by_label("Excerpt")
    expect(excerpt).to_be_hidden()
    press(phone, "Settings")
    excerpt.fill("Short.")
    phone.get_by_label("Slug").fill("not/possible")
    phone.keyboard.press("Escape")
    expect(phone.get_by_role("button", name="Settings", exact=True)).to_be_focused()
    press(phone, "Update")
    # The error links to the field in the sheet, and nothing is lost.
    phone.get_by_role("link", name="Slug").click()
    expect(phone.get_by_label("Slug")).to_be_focused()
    expect(excerpt).to_have_value("Short.")
    phone.get_by_label("Slug").fill("possible")
    press(phone, "Done")
    # The on-screen keyboard makes the window smaller. What is typed, and how it is formatted, stays in view.
    viewport = phone.locator("meta[name=viewport]")
    expect(viewport).to_have_attribute("content", re.compile("interactive-widget=resizes-content"))
    phone.set_viewport_size({"width": 320, "height": 320})
    phone.get_by_label("Text", exact=True).fill("Words.\n\n" * 50)
    phone.keyboard.type("At the end")
    expect(phone.get_by_role("button", name="Bold")).to_be_in_viewport(ratio=1)
    phone.set_viewport_size({"width": 320, "height": 640})
    press(phone, "Update")
    expect(phone.locator(".success")).to_have_text("Post updated. View post")
    assert (Post.objects.get().excerpt, Post.objects.get().slug) == ("Short.", "possible")


def test_without_javascript_every_button_and_field_works(log_in: LogIn) -> None:
    page = log_in("editor", "/admin/blog/post/add/", java_script_enabled=False, **PHONE)
    page.fill("#id_title", "Plain")
    page.get_by_label("Excerpt").fill("Short.")
    page.get_by_text("Schedule…").click()
    press(page, "Schedule")
    page.get_by_label("Publish at").fill("2037-12-03T08:00")
    press(page, "Schedule")
    expect(page.locator(".messagelist")).to_contain_text("Scheduled for Thu 3 December 2037, 08:00.")
    assert Post.objects.get().excerpt == "Short."


def test_translations_are_found_linked_and_written_without_leaving_the_text(log_in: LogIn) -> None:
    english = PostFactory(title="Defenders", language="en")
    PostFactory(title="المدافعون", language="ar")
    page = log_in("editor", f"/admin/blog/post/{english.pk}/change/")
    page.fill("#id_title", "Defenders, not saved yet")
    status = page.locator("#writing-translations-status")
    page.get_by_label("Words from the translation's title").fill("المدافعون")
    # The Enter key searches instead of saving the text.
    page.keyboard.press("Enter")
    expect(status).to_have_text("1 found.")
    page.get_by_role("button", name="Link المدافعون").click()
    expect(status).to_have_text("Linked to “المدافعون” as a translation.")
    expect(page.get_by_role("button", name="Unlink المدافعون")).to_be_visible()
    expect(page.locator("#id_title")).to_have_value("Defenders, not saved yet")
    page.get_by_label("Or write a new translation in").select_option("fr")
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Write (opens in a new tab)").click()
    new = opened.value
    new.fill("#id_title", "Défenseurs")
    new.get_by_role("button", name="Save draft").click()
    expect(new.locator(".success")).to_contain_text("Draft saved.")
    expect(new.locator(".writing-linked")).to_contain_text("المدافعون")
    assert Post.objects.get(title="Défenseurs").translations().count() == 2
