"""Saving without leaving the page: what is preserved, which messages are shown, and what happens on failure."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, FilePayload, Page, Route, expect

from accounts.models import User
from blog import publishing
from blog.models import Autosave, Post, Revision, Status
from tags import curation
from tags.models import Tag
from tests.factories import PASSWORD, CategoryFactory, PostFactory, TagFactory, UserFactory
from tests.factories.admin import admin_url
from tests.factories.pages import add_words, go_to, intercept, log_in_beside
from tests.factories.types import Faults, LogIn

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/blog/post/add/"
PREVIEW = "**/admin/markdownx/preview/**"
SAVED = re.compile(r"^\s*Draft saved\.")


@pytest.fixture
def ruth() -> User:
    user: User = UserFactory(username="ruth", display_name="Ruth", password=PASSWORD, role="Editor")
    return user


@pytest.fixture
def new_post(log_in: LogIn, ruth: User) -> Page:
    return log_in("ruth", ADD)


def mark(page: Page) -> None:
    """Mark this document to distinguish it from one that is loaded later."""
    page.evaluate("document.documentElement.dataset.mark = '1'")


def is_same_document(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.dataset.mark === '1'"))


def test_a_new_post_is_saved_and_saved_again_without_losing_the_undo_history(new_post: Page) -> None:
    mark(new_post)
    source, status = new_post.locator("#id_source"), new_post.locator(".autosave-status")
    new_post.fill("#id_title", "A lamp")
    source.press_sequentially("One. Two.")
    new_post.keyboard.press("ArrowLeft")
    new_post.keyboard.press("Control+s")
    expect(status).to_have_text(SAVED)
    expect(status).to_have_role("status")
    post = Post.objects.get()
    assert is_same_document(new_post)
    # The page now belongs to the saved post.
    assert new_post.url.endswith(f"/admin/blog/post/{post.pk}/change/")
    expect(new_post).to_have_title(re.compile("A lamp – Edit post"))
    expect(new_post.locator(".writing-state-words")).to_have_text("Draft")
    expect(new_post.get_by_role("button", name="Move to trash")).to_be_visible()
    expect(new_post.get_by_role("link", name="Revisions")).to_be_visible()
    expect(new_post.locator(".field-modified_at .readonly")).to_be_visible()
    expect(new_post.locator("#writing-translations")).to_be_visible()
    # The caret and the undo history are preserved.
    expect(source).to_be_focused()
    new_post.keyboard.type("!")
    expect(source).to_have_value("One. Two!.")
    for _step in range(3):
        new_post.keyboard.press("Control+z")
    assert len(source.input_value()) < len("One. Two.")
    new_post.keyboard.press("Control+s")
    expect(status).to_have_text(SAVED)
    expect(status.get_by_role("link")).to_have_attribute("href", re.compile("preview|p="))
    post.refresh_from_db()
    assert post.source == source.input_value()
    assert Revision.objects.filter(entry=post).count() == 2
    # Its notes work like those of any other post.
    notes = new_post.locator("#review-section")
    notes.locator("summary").first.click()
    notes.get_by_label("New note").fill("Which lamp?")
    notes.get_by_role("button", name="Add note").click()
    expect(notes.get_by_role("status")).to_have_text("Note added.")
    # Autosaves now belong to the post.
    source.press_sequentially(" More.")
    expect(status).to_have_text(re.compile("Last copy here and on the server"))
    assert Autosave.objects.get(data__isnull=False).entry_id == post.pk
    new_post.keyboard.press("Control+s")
    expect(status).to_have_text(SAVED)
    assert not Autosave.objects.filter(data__isnull=False).exists()
    assert new_post.evaluate("Object.keys(localStorage).filter((name) => name.startsWith('broadside:')).length") == 0
    assert is_same_document(new_post)


def test_what_the_server_has_filled_in_or_added_is_shown(log_in: LogIn, ruth: User) -> None:
    awards = CategoryFactory(name="Awards", slug="awards")
    post = PostFactory(title="A lamp", slug="lamp", author=ruth)
    page = log_in("ruth", admin_url(post, "change"))
    mark(page)
    page.fill("#id_slug", "")
    page.get_by_text("Add category").click()
    page.get_by_label("New category").fill("Prizes")
    page.get_by_label("Parent").select_option("Awards")
    page.get_by_role("button", name="Update").locator("visible=true").click()
    expect(page.locator(".autosave-status")).to_have_text(re.compile("Post updated"))
    expect(page.locator("#id_slug")).to_have_value("a-lamp")
    expect(page.get_by_label("Prizes")).to_be_checked()
    expect(page.get_by_label("New category")).to_have_value("")
    expect(page.get_by_label("Parent")).to_have_value("")
    expect(page.get_by_label("Parent").get_by_text("— Prizes")).to_be_attached()
    # It is added once, and one that exists is ticked.
    page.get_by_label("New category").fill("awards")
    page.get_by_role("button", name="Update").locator("visible=true").click()
    expect(page.get_by_label("Awards", exact=True)).to_be_checked()
    assert is_same_document(page)
    assert sorted(post.categories.values_list("path", flat=True)) == [awards.path, "awards/prizes"]


def test_pressing_save_twice_saves_once_and_text_typed_in_the_meantime_can_be_saved(new_post: Page) -> None:
    sent: list[str] = []
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "POST":
            sent.append(route.request.url)
            held.append(route)
        else:
            route.continue_()

    intercept(new_post, f"**{ADD}", hold)
    new_post.fill("#id_title", "Once")
    new_post.focus("#id_source")
    new_post.keyboard.press("Control+s")
    new_post.keyboard.press("Control+s")
    new_post.keyboard.type("Later.")
    while not held:
        new_post.wait_for_timeout(10)
    held[0].continue_()
    # The message about saving is soon replaced by the one about the autosave, so this waits for the URL.
    expect(new_post).to_have_url(re.compile(r"/change/$"))
    assert len(sent) == 1
    assert Post.objects.get().source == ""
    expect(new_post.locator("#id_source")).to_have_value("Later.")
    new_post.keyboard.press("Control+s")
    expect(new_post.locator(".field-modified_at .readonly")).to_be_visible()
    expect(new_post.locator(".autosave-status")).to_have_text(SAVED)
    assert [post.source for post in Post.objects.all()] == ["Later."]


def test_an_autosave_under_way_does_not_become_an_unsaved_version_of_what_is_saved(failing: Page) -> None:
    page, held = failing, list[Route]()

    def hold(route: Route) -> None:
        if "One." in (route.request.post_data or ""):
            held.append(route)
        else:
            route.continue_()

    intercept(page, "**/autosave/", hold)
    add_words(page, " One.")
    while not held:
        page.wait_for_timeout(10)
    page.keyboard.type(" Two.")
    page.keyboard.press("Control+s")
    # Long enough for saving to end if it didn't wait.
    page.wait_for_timeout(500)
    held[0].continue_()
    expect(page.locator(".autosave-status")).to_have_text(SAVED)
    assert Post.objects.get().source == "Stored. One. Two."
    page.reload()
    expect(page.locator(".autosave-offer")).to_have_count(0)
    assert not Autosave.objects.filter(data__isnull=False).exists()


def test_a_tag_typed_by_its_former_name_is_shown_with_its_name(new_post: Page, ruth: User) -> None:
    curation.rename(TagFactory(name="Lamps").pk, "Lights", "", by=ruth)
    mark(new_post)
    new_post.fill("#id_title", "A lamp")
    new_post.get_by_role("combobox", name="Tags").fill("lamps")
    new_post.keyboard.press("Control+s")
    expect(new_post.locator(".autosave-status")).to_have_text(SAVED)
    expect(new_post.locator(".tags-chip")).to_have_text(re.compile("^Lights"))
    assert is_same_document(new_post)
    # Nothing has been typed since, so there is nothing to autosave.
    assert not Autosave.objects.filter(data__isnull=False).exists()
    with new_post.expect_response(
        lambda response: response.request.method == "POST" and response.url.endswith("/change/")
    ):
        new_post.keyboard.press("Control+s")
    assert [tag.name for tag in Post.objects.get().tags.all()] == ["Lights"]


def test_errors_are_shown_in_the_usual_places(log_in: LogIn, ruth: User, faults: Faults) -> None:
    category = CategoryFactory(name="Lamps")
    new_post = log_in("ruth", ADD)
    mark(new_post)
    new_post.fill("#id_title", "A lamp")
    new_post.fill("#id_slug", "not a slug")
    new_post.get_by_label("Lamps").check()
    category.delete()
    new_post.get_by_role("button", name="Save draft").click()
    errors = new_post.locator(".writing-errors")
    expect(errors).to_contain_text("Nothing was saved. Please correct these errors:")
    expect(errors).to_be_focused()
    expect(errors).to_contain_text("One of those you selected was merged or deleted.")
    expect(new_post.get_by_label("Lamps")).to_have_count(0)
    expect(new_post.locator(".field-slug .errorlist")).to_be_visible()
    slug = new_post.locator("#id_slug")
    expect(slug).to_have_attribute("aria-invalid", "true")
    assert faults(new_post) == ""
    errors.get_by_role("link", name="Slug").click()
    expect(slug).to_be_focused()
    slug.fill("a-lamp")
    new_post.get_by_role("button", name="Save draft").click()
    expect(new_post.locator(".autosave-status")).to_have_text(SAVED)
    expect(new_post.locator("ul.errorlist, .writing-errors")).to_have_count(0)
    expect(slug).not_to_have_attribute("aria-invalid", "true")
    assert is_same_document(new_post)
    assert faults(new_post) == ""


def test_a_conflict_with_another_editor_is_reported_as_without_the_script(log_in: LogIn, ruth: User) -> None:
    post = PostFactory(source="One.\n\nTwo.", author=ruth)
    page = log_in("ruth", f"/admin/blog/post/{post.pk}/change/")
    changed = Post.objects.get(pk=post.pk)
    changed.source = "One, changed.\n\nTwo."
    publishing.save_entry(changed, UserFactory(role="Editor"))
    page.locator("#id_source").fill("One.\n\nTwo, too.")
    with page.expect_navigation():
        page.keyboard.press("Control+s")
    expect(page.locator(".conflict")).to_be_visible()
    expect(page.locator("#id_source")).to_have_value("One, changed.\n\nTwo, too.")
    page.keyboard.press("Control+s")
    expect(page.locator(".autosave-status .success")).to_have_text(re.compile("Post updated"))
    expect(page.locator(".conflict")).to_have_count(0)
    assert Post.objects.get().source == "One, changed.\n\nTwo, too."


@pytest.fixture
def failing(log_in: LogIn, ruth: User, chromium: Any, live_server: Any) -> Iterator[Page]:
    """The form of a draft in a browser whose console may report errors."""
    post = PostFactory(source="Stored.", author=ruth, status=Status.DRAFT)
    client = Client()
    client.force_login(ruth)
    context: BrowserContext = chromium.new_context(base_url=live_server.url)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    page = context.new_page()
    go_to(page, f"/admin/blog/post/{post.pk}/change/")
    yield page
    context.close()


def test_without_a_server_or_a_session_the_page_stays_and_is_saved_later(failing: Page) -> None:
    page, status = failing, failing.locator(".autosave-status")
    alert = page.get_by_role("alert").filter(has_text="This couldn't be saved")
    mark(page)
    add_words(page, " Typed.")
    page.context.set_offline(True)
    page.keyboard.press("Control+s")
    expect(alert).to_be_visible()
    page.context.set_offline(False)
    intercept(page, "**/change/", lambda route: route.fulfill(status=503, body="<html>"))
    page.keyboard.press("Control+s")
    expect(alert).to_be_visible()
    page.unroute("**/change/")
    page.keyboard.press("Control+s")
    expect(alert).to_be_hidden()
    expect(status).to_have_text(SAVED)
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    page.keyboard.type(" More.")
    expect(page.locator(".editor-notice")).to_contain_text("Log in again")
    page.keyboard.press("Control+s")
    log_in_beside(page, PASSWORD)
    expect(page.frame_locator(".editor-preview").locator(".entry-body")).to_have_text("Stored. Typed. More.")
    expect(page.locator(".editor-notice")).to_be_empty()
    page.focus("#id_source")
    page.keyboard.press("Control+s")
    expect(status).to_have_text(SAVED)
    assert Post.objects.get().source == "Stored. Typed. More."
    assert is_same_document(page)


def test_distraction_free_writing_shows_what_saving_reports(failing: Page, faults: Faults) -> None:
    page, editor = failing, failing.locator(".editor.is-focused")
    add_words(page, " Typed.")
    page.get_by_role("button", name="Distraction-free").click()
    page.context.set_offline(True)
    page.keyboard.press("Control+s")
    expect(editor.get_by_role("alert")).to_contain_text("This couldn't be saved")
    assert faults(page) == ""
    page.context.set_offline(False)
    page.keyboard.press("Control+s")
    expect(editor.get_by_role("status").filter(has_text=SAVED)).to_be_in_viewport(ratio=1)
    # Errors end it, because they are beside the fields.
    page.locator("#id_slug").evaluate("slug => { slug.value = 'not/possible' }")
    page.keyboard.press("Control+s")
    expect(page.locator(".writing-errors")).to_be_focused()
    expect(editor).to_have_count(0)
    expect(page.locator(".writing-bar .autosave-status")).to_have_count(1)


def test_publishing_without_a_server_or_a_session_keeps_the_page_and_the_text(failing: Page) -> None:
    page, publish = failing, failing.get_by_role("button", name="Publish", exact=True)
    alert = page.get_by_role("alert").filter(has_text="This couldn't be saved")
    mark(page)
    add_words(page, " Typed.")
    page.context.set_offline(True)
    publish.click()
    expect(alert).to_be_visible()
    page.context.set_offline(False)
    intercept(page, "**/autosave/", lambda route: route.fulfill(status=502, body="<html>"))
    publish.click()
    expect(publish).to_have_text("Publish")
    expect(alert).to_be_visible()
    page.unroute("**/autosave/")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    publish.click()
    log_in_beside(page, PASSWORD)
    assert is_same_document(page)
    assert Post.objects.get().status == Status.DRAFT
    publish.dblclick()
    expect(page.locator(".success")).to_have_text(re.compile("^Post published"))
    post = Post.objects.get()
    assert (post.status, post.source) == (Status.PUBLISHED, "Stored. Typed.")


def test_the_back_button_leads_from_a_published_post_to_its_own_form(new_post: Page) -> None:
    new_post.fill("#id_title", "A lamp")
    new_post.get_by_role("button", name="Publish", exact=True).click()
    expect(new_post.locator(".success")).to_have_text(re.compile("^Post published"))
    new_post.go_back()
    expect(new_post.locator(".writing-state-words")).to_have_text(re.compile("^Published"))
    new_post.fill("#id_title", "Two lamps")
    new_post.get_by_role("button", name="Update").click()
    expect(new_post.locator(".autosave-status")).to_have_text(re.compile("Post updated"))
    assert Post.objects.get().title == "Two lamps"


def test_the_back_button_leads_to_the_text_as_it_is_now(log_in: LogIn, ruth: User) -> None:
    post = PostFactory(source="Stored.", author=ruth)
    page = log_in("ruth", f"/admin/blog/post/{post.pk}/change/")
    add_words(page, " Typed.")
    page.keyboard.press("Control+s")
    expect(page.locator(".autosave-status")).to_have_text(re.compile("Post updated"))
    page.goto("/admin/blog/post/")
    post.refresh_from_db()
    post.source += " By someone else."
    publishing.save_entry(post, ruth)
    page.go_back()
    expect(page.locator("#id_source")).to_have_value("Stored. Typed. By someone else.")
    # What was typed and not saved is still offered.
    add_words(page, " Unsaved.")
    page.goto("/admin/blog/post/")
    page.go_back()
    expect(page.locator("#id_source")).to_have_value("Stored. Typed. By someone else.")
    expect(page.locator(".autosave-offer")).to_contain_text("Unsaved.")


def test_going_back_to_a_form_without_autosave_keeps_what_was_typed_and_overwrites_nothing(
    log_in: LogIn, ruth: User
) -> None:
    tag = TagFactory(name="Lamps", description="Stored.")
    page = log_in("ruth", f"/admin/tags/tag/{tag.pk}/change/")
    page.fill("#id_description", "Typed.")
    page.goto("/admin/tags/tag/")
    page.go_back()
    expect(page.locator("#id_description")).to_have_value("Typed.")
    page.click("[name=_save]")
    expect(page.locator(".messagelist")).to_contain_text("Lamps")
    # One's own version is no conflict,
    page.go_back()
    page.fill("#id_description", "Typed again.")
    page.click("[name=_save]")
    expect(page.locator(".messagelist")).to_contain_text("Lamps")
    # and that of someone else is never overwritten unseen.
    Tag.objects.update(description="By someone else.")
    page.go_back()
    expect(page.locator("#id_description")).to_have_value("Typed again.")
    page.fill("#id_description", "Typed at last.")
    page.click("[name=_save]")
    expect(page.locator(".conflict .sides").first).to_contain_text("By someone else.")
    assert Tag.objects.get().description == "By someone else."


def test_the_time_that_the_server_fills_in_is_shown_and_kept_when_saving_again(log_in: LogIn, ruth: User) -> None:
    post = PostFactory(title="A lamp", source="Words.", author=ruth)
    page = log_in("ruth", f"/admin/blog/post/{post.pk}/change/")
    date, status = page.locator("#id_published_at"), page.locator(".autosave-status")
    date.fill("")
    mark(page)
    page.keyboard.press("Control+s")
    expect(status).to_have_role("status")
    expect(date).not_to_have_value("")
    assert is_same_document(page)
    post.refresh_from_db()
    page.fill("#id_title", "Two lamps")
    page.keyboard.press("Control+s")
    expect(page).to_have_title(re.compile("Two lamps"))
    dated = post.published_at
    post.refresh_from_db()
    assert post.published_at == dated


def test_the_message_stays_if_the_buttons_change(log_in: LogIn, ruth: User) -> None:
    post = PostFactory(status=Status.PRIVATE, author=ruth)
    page = log_in("ruth", f"/admin/blog/post/{post.pk}/change/")
    publishing.publish(Post.objects.all(), UserFactory(role="Editor"))
    page.focus("#id_source")
    with page.expect_navigation():
        page.keyboard.press("Control+s")
    expect(page.locator(".autosave-status")).to_have_text(re.compile(r"^\s*Post updated\. View post"))
    expect(page.get_by_role("button", name="Unpublish")).to_be_visible()
    page.reload()
    expect(page.locator(".autosave-status")).to_be_empty()


def test_that_a_post_was_deleted_is_said_when_its_text_is_saved(log_in: LogIn, ruth: User) -> None:
    post = PostFactory(author=ruth)
    page = log_in("ruth", f"/admin/blog/post/{post.pk}/change/")
    post.delete()
    add_words(page, "More.")
    with page.expect_navigation():
        page.keyboard.press("Control+s")
    expect(page.get_by_text("What you were editing was deleted")).to_be_visible()
    # Nothing was saved that one could go back to.
    expect(page.locator(".autosave-note a")).to_have_count(0)


def test_a_time_in_the_future_schedules_a_published_post_until_it_is_undone(log_in: LogIn, ruth: User) -> None:
    post = PostFactory(author=ruth)
    page = log_in("ruth", f"/admin/blog/post/{post.pk}/change/")
    date = page.locator("#id_published_at")
    for time, button in (("2037-12-03T08:00", "Schedule"), ("2020-12-03T08:00", "Update"), ("2037-12-03T08:00", "")):
        date.fill(time)
        if button:
            expect(page.get_by_role("button", name=button, exact=True).locator("visible=true")).to_be_visible()
    page.keyboard.press("Control+s")
    message = page.locator(".messagelist .success")
    expect(message).to_contain_text("08:00. Until then, readers no longer see it.")
    message.get_by_role("button", name="Undo").click()
    expect(page.locator(".writing-state-words")).to_have_text(re.compile("^Published"))
    assert Post.objects.get().published_at == post.published_at


def test_the_preview_follows_again_once_the_server_can_be_reached(failing: Page) -> None:
    page, notice = failing, failing.locator(".editor-notice")
    shown = page.frame_locator(".editor-preview").locator(".entry-body")
    expect(shown).to_have_text("Stored.")
    page.focus("#id_source")
    page.keyboard.press("Control+End")
    page.context.set_offline(True)
    page.keyboard.type(" Offline.")
    expect(notice).to_contain_text("The preview isn't available right now.")
    page.context.set_offline(False)
    expect(shown).to_have_text("Stored. Offline.")
    expect(notice).to_be_empty()
    intercept(page, PREVIEW, lambda route: route.fulfill(status=503, body="<html>"))
    page.keyboard.type(" Busy.")
    expect(notice).to_contain_text("The preview isn't available right now.")
    page.unroute(PREVIEW)
    page.keyboard.press("Control+s")
    expect(shown).to_have_text("Stored. Offline. Busy.")


def test_requests_on_a_line_that_hangs_end_and_can_be_repeated(failing: Page) -> None:
    page = failing
    Post.objects.update(language="en")
    page.reload()
    page.locator("#review-section > summary").click()
    page.get_by_label("New note").fill("Which year?")
    buttons = [
        page.get_by_role("button", name="Check the text"),
        page.get_by_role("button", name="Suggest tags from the text"),
        page.locator("#writing-translations").get_by_role("button", name="Find"),
        page.get_by_role("button", name="Add note"),
    ]
    messages = page.get_by_text("Check that you are online and logged in, then try again.")
    page.locator("[data-tool=image]").click()
    dialog = page.get_by_role("dialog", name="Image")
    expect(dialog.get_by_role("status")).to_contain_text("Nothing found")

    def hold(route: Route) -> None:
        if route.request.resource_type not in {"fetch", "xhr"}:
            route.continue_()

    intercept(page, "**", hold)
    page.clock.install()
    dialog.get_by_role("searchbox").press("Enter")
    page.clock.fast_forward(30_000)
    expect(dialog.get_by_role("status")).to_contain_text("aren't available right now")
    page.keyboard.press("Escape")
    # However often they are pressed, each sends one request.
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    for _time in range(2):
        for button in buttons:
            button.click()
    upload: FilePayload = {"name": "lamp.png", "mimeType": "image/png", "buffer": b"..."}
    # Whether the file can be read is checked before it is sent.
    with page.expect_request(re.compile("/markdownx/upload/")):
        page.set_input_files(".editor-file", upload)
    expect(page.get_by_role("progressbar")).to_be_visible()
    own = [url for url in sent if "autosave" not in url]
    assert len(own) == len(set(own)), own
    page.clock.fast_forward(30_000)
    expect(messages.filter(visible=True)).to_have_count(4)
    expect(page.locator(".tags-found")).to_contain_text("Try again later")
    page.unroute("**")
    for button in buttons:
        button.click()
    page.get_by_role("button", name="Try again").click()
    expect(messages.filter(visible=True)).to_have_count(0)
    expect(page.locator(".tags-found")).not_to_contain_text("Try again later")
