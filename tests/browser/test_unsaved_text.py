"""Unsaved text survives a closed tab, a failing server, a lost connection and a lost session."""

import datetime as dt
import json
import re
import uuid
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from accounts.models import User
from blog.models import Autosave, Post, ReviewNote, Revision, Status
from blog.review import notes
from tests.factories import PASSWORD, PostFactory, UserFactory
from tests.factories.pages import add_words, go_to, intercept, log_in_beside
from tests.factories.types import Faults, LogIn

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/blog/post/add/"
# What follows from the browser being online again, just when the form is sent. The requests are counted.
AUTOSAVE_WHILE_SUBMITTING = """() => addEventListener("submit", (event) => {
  if (event.defaultPrevented) return;
  const { fetch } = window;
  let count = 0;
  window.fetch = (...request) => (count += 1, fetch(...request));
  dispatchEvent(new Event("online"));
  window.fetch = fetch;
  sessionStorage.setItem("autosaves", count);
})"""
KEPT = re.compile("Last copy here and on the server")
IN_BROWSER = re.compile("kept in this browser, and will be sent")
FILL_DISK = """() => {
  Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
}"""
COPIES = "Object.keys(localStorage).filter((name) => name.startsWith('broadside:')).length"


@pytest.fixture
def ruth() -> User:
    user: User = UserFactory(username="ruth", display_name="Ruth", password=PASSWORD, role="Editor")
    return user


@pytest.fixture
def browser_of_ruth(chromium: Browser, live_server: LiveServer, ruth: User) -> Iterator[BrowserContext]:
    """A browser whose console may report errors, because here the network fails on purpose."""
    client = Client()
    client.force_login(ruth)
    context = chromium.new_context(base_url=live_server.url)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    yield context
    context.close()


def open_form(context: BrowserContext, path: str = ADD) -> Page:
    page = context.new_page()
    go_to(page, path)
    return page


def unfold_offers(page: Page) -> None:
    page.get_by_text("Unsaved versions").click()


def expect_status(page: Page, text: re.Pattern[str]) -> None:
    expect(page.locator(".autosave-status")).to_have_text(text)


@pytest.mark.long
def test_text_survives_a_closed_tab_a_failing_server_and_a_lost_connection_or_session(
    browser_of_ruth: BrowserContext,
) -> None:
    page = open_form(browser_of_ruth)
    page.fill("#id_title", "A lamp")
    add_words(page, "One.")
    expect_status(page, KEPT)
    row = Autosave.objects.get()
    assert row.data
    assert row.data["source"] == ["One."]

    # The connection is lost, and then the tab is closed.
    browser_of_ruth.set_offline(True)
    add_words(page, " Two.")
    expect_status(page, IN_BROWSER)
    page.close()
    browser_of_ruth.set_offline(False)
    page = open_form(browser_of_ruth)
    offers = page.locator(".autosave-offer")
    expect(offers).to_have_count(2)
    unfold_offers(page)
    own = offers.filter(has_text="This browser has a version")
    own.get_by_text("Differences").click()
    expect(own.locator("ins").last).to_contain_text("Two.")
    own.get_by_role("button", name="Restore").click()
    expect(page.locator("#id_source")).to_have_value("One. Two.")
    expect(page.locator("#id_title")).to_have_value("A lamp")

    # The server fails for a while, and then it accepts a request and never answers.
    intercept(page, "**/autosave/", lambda route: route.fulfill(status=500, body="<html>"))
    add_words(page, " Three.")
    expect_status(page, IN_BROWSER)
    page.unroute("**/autosave/")
    expect_status(page, KEPT)
    hanging = list[Route]()
    intercept(page, "**/autosave/", lambda route: hanging.append(route))
    page.clock.install()
    add_words(page, " More.")
    while not hanging:
        page.wait_for_timeout(10)
    page.clock.fast_forward(30_000)
    expect_status(page, IN_BROWSER)
    page.unroute("**/autosave/")
    expect_status(page, KEPT)

    # The disk is full, so this browser can't keep a copy.
    page.evaluate(FILL_DISK)
    add_words(page, " And")
    expect_status(page, re.compile("Last copy on the server: .* This browser couldn't keep one"))

    # The session ends. Ruth logs in again in another tab and continues in the same form.
    browser_of_ruth.clear_cookies()
    add_words(page, " Four.")
    log_in_beside(page, PASSWORD)
    expect(page.locator("#id_source")).to_have_value("One. Two. Three. More. And Four.")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator(".success")).to_be_visible()
    assert Post.objects.get().source == "One. Two. Three. More. And Four."
    # Nothing stays behind on a shared computer.
    assert not Autosave.objects.filter(data__isnull=False).exists()
    for _attempt in range(600):
        if page.evaluate(COPIES) == 0:
            break
        page.wait_for_timeout(50)
    assert page.evaluate(COPIES) == 0


def test_saving_after_the_session_has_ended_loses_nothing_and_logging_out_leaves_nothing(
    browser_of_ruth: BrowserContext, ruth: User
) -> None:
    post = PostFactory(source="Stored.")
    page = open_form(browser_of_ruth, f"/admin/blog/post/{post.pk}/change/")
    browser_of_ruth.clear_cookies()
    intercept(page, "**/autosave/", lambda route: route.abort())
    add_words(page, " Typed.")
    page.get_by_role("button", name="Update").click()
    expect_status(page, IN_BROWSER)
    page.unroute("**/autosave/")
    page.goto(f"/admin/login/?next=/admin/blog/post/{post.pk}/change/")
    page.fill("#id_username", "ruth")
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    expect(page.locator(".autosave-offer ins")).to_have_count(1)
    page.get_by_role("button", name="Restore").click()
    expect(page.locator("#id_source")).to_have_value("Stored. Typed.")
    add_words(page, " More.")
    expect_status(page, KEPT)
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Menu").click()
    # Without a connection, she stays logged in and the copy stays.
    browser_of_ruth.set_offline(True)
    page.get_by_role("button", name="Log out").click()
    expect(page.locator("#navigation").get_by_role("alert")).to_be_visible()
    assert page.evaluate(COPIES) == 1
    browser_of_ruth.set_offline(False)
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/logout/")
    assert page.evaluate(COPIES) == 0
    # The server keeps its copy for her.
    assert Autosave.objects.get(user=ruth, entry=post).data is not None


def test_an_old_revision_is_restored_over_a_newer_one(log_in: LogIn, ruth: User) -> None:
    post = PostFactory(source="First words.", title="A lamp")
    page = log_in("ruth", f"/admin/blog/post/{post.pk}/change/")
    page.fill("#id_source", "Newer words.")
    page.get_by_role("button", name="Update").click()
    expect(page.locator(".success")).to_be_visible()
    page.get_by_role("link", name="Revisions").click()
    page.get_by_role("link", name="Import or bulk change").click()
    page.get_by_text("Compare with the current version").click()
    expect(page.locator("del")).to_contain_text("First")
    expect(page.locator("ins")).to_contain_text("Newer")
    page.get_by_role("button", name="Restore this version").click()
    expect(page.locator("#id_source")).to_have_value("First words.")
    assert list(Revision.objects.values_list("source", flat=True)) == ["First words.", "Newer words.", "First words."]


def test_conflicting_edits_are_merged_and_nothing_is_lost(log_in: LogIn, ruth: User) -> None:
    UserFactory(username="amal", display_name="Amal", role="Editor")
    post = PostFactory(source="One.\n\nA small lamp.\n\nThree.")
    path = f"/admin/blog/post/{post.pk}/change/"
    first = log_in("ruth", path)
    expect(first.locator(".autosave-editing")).to_be_empty()
    # The second editor has no JavaScript, and is told beforehand that Ruth is editing.
    second = log_in("amal", path, java_script_enabled=False)
    expect(second.get_by_text("Ruth is editing this.")).to_be_visible()
    first.fill("#id_source", "One, says Ruth.\n\nA dim lamp.\n\nThree.")
    # With JavaScript, the form says that there is another version.
    third = log_in("amal", path)
    first.get_by_role("button", name="Update").click()
    expect(first.locator(".success")).to_be_visible()
    third.fill("#id_title", "Third")
    expect(third.locator(".autosave-editing")).to_contain_text("Ruth saved this after you opened it.")
    second.fill("#id_source", "One.\n\nA bright lamp.\n\nThree, says Amal.")
    second.get_by_role("button", name="Update").click()
    expect(second.get_by_role("heading", name="Ruth saved this while you were editing")).to_be_visible()
    expect(second.locator(".sides").first.locator("ins")).to_contain_text(["dim", "bright"])
    merged = "One, says Ruth.\n\nA bright lamp.\n\nThree, says Amal."
    expect(second.locator("#id_source")).to_have_value(merged)
    assert Post.objects.get().source == "One, says Ruth.\n\nA dim lamp.\n\nThree."
    second.get_by_role("button", name="Update").click()
    expect(second.locator(".success")).to_be_visible()
    assert Post.objects.get().source == merged
    assert "One, says Ruth.\n\nA dim lamp.\n\nThree." in Revision.objects.values_list("source", flat=True)


def test_after_a_conflict_nothing_is_offered_that_the_form_already_shows(
    browser_of_ruth: BrowserContext, log_in: LogIn
) -> None:
    UserFactory(username="amal", display_name="Amal", role="Editor")
    post = PostFactory(source="One.\n\nTwo.")
    path = f"/admin/blog/post/{post.pk}/change/"
    page = open_form(browser_of_ruth, path)
    intercept(page, "**/autosave/", lambda route: route.abort())
    other = log_in("amal", path, java_script_enabled=False)
    other.fill("#id_source", "One, says Amal.\n\nTwo.")
    other.get_by_role("button", name="Update").click()
    expect(other.locator(".success")).to_be_visible()
    add_words(page, " Three.")
    expect_status(page, IN_BROWSER)
    page.unroute("**/autosave/")
    page.get_by_role("button", name="Update").click()
    expect(page.get_by_role("heading", name="Amal saved this while you were editing")).to_be_visible()
    expect(page.locator("#id_source")).to_have_value("One, says Amal.\n\nTwo. Three.")
    # The merged text is kept, too.
    expect_status(page, KEPT)
    expect(page.locator(".autosave-offer")).to_have_count(0)


def test_new_posts_that_were_never_saved_are_listed_and_discarded_without_leaving_the_form(
    browser_of_ruth: BrowserContext, ruth: User, faults: Faults
) -> None:
    now = timezone.now()
    for number in range(5):
        time = now - dt.timedelta(days=number)
        data = {"title": [f"Draft {number}"], "source": ["Words."]}
        row = Autosave(user=ruth, kind="post", form_id=uuid.uuid4(), data=data, saved_at=time, seen_at=time)
        row.save()
    page = open_form(browser_of_ruth)
    offers = page.locator(".autosave-offer")
    names = offers.locator("strong")
    expect(names).to_have_text(["Draft 0", "Draft 1", "Draft 2"])
    assert faults(page) == ""
    expect(names.first).to_be_hidden()
    unfold_offers(page)
    expect(names.first).to_be_visible()
    assert faults(page) == ""

    page.fill("#id_title", "Typed meanwhile")
    offers.nth(1).get_by_role("button", name="Discard").evaluate("(button) => { button.click(); button.click(); }")
    expect(names).to_have_text(["Draft 0", "Draft 2"])
    expect(page.get_by_text("Unsaved versions")).to_contain_text("2")
    expect(offers.nth(1).get_by_role("button", name="Discard")).to_be_focused()
    page.keyboard.press("Enter")
    expect(names).to_have_text(["Draft 0"])
    expect(page.locator("#id_title")).to_be_focused()
    expect(page.get_by_role("status").get_by_text("The unsaved version was discarded.")).to_be_visible()
    expect(page.locator("#id_title")).to_have_value("Typed meanwhile")
    titles = {row.data["title"][0] for row in Autosave.objects.all() if row.data}
    assert titles - {"Typed meanwhile"} == {"Draft 0", "Draft 3", "Draft 4"}

    # Without the server, nothing is discarded, and the form says so.
    browser_of_ruth.set_offline(True)
    offers.get_by_role("button", name="Discard").click()
    expect(page.locator(".autosave-failed")).to_be_visible()
    expect(offers).to_have_count(1)
    browser_of_ruth.set_offline(False)
    offers.get_by_role("button", name="Discard").click()
    expect(offers).to_have_count(0)
    expect(page.locator(".autosave-failed")).to_be_hidden()

    # What was discarded comes back to its place, the latest first.
    for restored in (["Draft 0"], ["Draft 0", "Draft 2"], ["Draft 0", "Draft 1", "Draft 2"]):
        page.get_by_role("button", name="Undo", exact=True).click()
        expect(names).to_have_text(restored)
    expect(page.locator(".autosave-undo")).to_be_hidden()
    titles = {row.data["title"][0] for row in Autosave.objects.all() if row.data}
    assert titles - {"Typed meanwhile"} == {f"Draft {number}" for number in range(5)}


def test_copies_of_new_posts_in_the_browser_are_listed_newest_first(
    browser_of_ruth: BrowserContext, ruth: User
) -> None:
    page = open_form(browser_of_ruth)
    for number in range(4):
        key = uuid.uuid4()
        copy = {
            "time": (timezone.now() - dt.timedelta(days=number)).timestamp() * 1000,
            "fields": json.dumps({"title": [f"Draft {number}"], "source": ["Words."]}),
            "isSent": False,
            "url": f"{ADD}{key}/autosave/",
            "formUrl": ADD,
            "key": str(key),
            "kind": "post",
            "isNew": "1",
        }
        page.evaluate(
            "([name, copy]) => localStorage.setItem(name, copy)", [f"broadside:{ruth.pk}:{key}", json.dumps(copy)]
        )
    page.reload()
    names = page.locator(".autosave-offer strong")
    expect(names).to_have_text(["Draft 0", "Draft 1", "Draft 2"])
    unfold_offers(page)
    page.get_by_role("button", name="Discard").first.click()
    expect(names).to_have_text(["Draft 1", "Draft 2"])
    page.reload()
    expect(names).to_have_text(["Draft 1", "Draft 2", "Draft 3"])
    unfold_offers(page)
    page.get_by_role("button", name="Discard").nth(1).click()
    expect(names).to_have_text(["Draft 1", "Draft 3"])
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(names).to_have_text(["Draft 1", "Draft 2", "Draft 3"])
    page.reload()
    expect(names).to_have_text(["Draft 1", "Draft 2", "Draft 3"])


def test_an_unsaved_version_stays_on_offer_whatever_is_typed_or_saved_until_it_is_restored_or_discarded(
    browser_of_ruth: BrowserContext, ruth: User
) -> None:
    post = PostFactory(source="Stored.")
    row = Autosave(user=ruth, kind="post", entry=post, data={"source": ["Stored. An hour's work."]})
    row.saved_at = row.seen_at = timezone.now() - dt.timedelta(hours=1)
    row.save()
    path = f"/admin/blog/post/{post.pk}/change/"
    page = open_form(browser_of_ruth, path)
    offers = page.locator(".autosave-offer")
    expect(offers.get_by_role("link", name="Restore")).to_be_visible()
    add_words(page, " Typed.")
    expect_status(page, KEPT)
    row.refresh_from_db()
    assert row.data
    assert row.data["source"] == ["Stored. Typed."]

    # Both versions are offered after a crash, and saving one of them does not decide about the other.
    page = open_form(browser_of_ruth, path)
    offers = page.locator(".autosave-offer")
    expect(offers).to_have_count(2)
    page.get_by_role("button", name="Update").click()
    expect(page.locator(".success")).to_be_visible()
    page.reload()
    expect(offers).to_have_count(2)
    unfold_offers(page)
    add_words(page, " Newer.")
    expect_status(page, KEPT)

    # Discarding either leaves what was typed since.
    typed = offers.filter(has=page.locator("ins", has_text="Typed"))
    typed.get_by_role("button", name="Discard").click()
    expect(offers).to_have_count(1)
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(offers).to_have_count(2)
    typed.get_by_role("button", name="Discard").click()
    row = Autosave.objects.get()
    assert row.data
    assert row.data["source"] == ["Stored. Newer."]

    # Restoring the last one offers what was typed since in its place.
    page.on("dialog", lambda dialog: dialog.accept())
    offers.get_by_role("button", name="Restore").click()
    expect(page.locator("#id_source")).to_have_value("Stored. An hour's work.")
    expect(offers).to_have_count(1)
    offers.get_by_role("button", name="Restore").click()
    expect(page.locator("#id_source")).to_have_value("Stored. Newer.")


def test_nothing_is_autosaved_while_a_text_is_submitted(log_in: LogIn, ruth: User) -> None:
    """It could arrive after the text was saved, and would be offered as an unsaved version."""
    post = PostFactory(source="Stored.", status=Status.DRAFT)
    page = log_in("ruth", f"/admin/blog/post/{post.pk}/change/")
    page.evaluate(AUTOSAVE_WHILE_SUBMITTING)
    add_words(page, " Typed.")
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.locator(".messagelist")).to_contain_text("published")
    assert page.evaluate("sessionStorage.getItem('autosaves')") == "0"


def test_notes_survive_a_closed_tab_and_a_lost_session_until_they_are_sent(
    browser_of_ruth: BrowserContext, ruth: User
) -> None:
    spring = "It began in spring."
    post = PostFactory(status=Status.PENDING, source=f"The first one.\n\n{spring}")
    first, second = (notes.add(post, ruth, text, quote="") for text in ("Which year?", "Where?"))
    path = f"/admin/blog/post/{post.pk}/change/"
    page = open_form(browser_of_ruth, path)
    add_words(page, "")
    page.get_by_label("New note").fill("In which town?")
    for note, answer in ((first, "2019."), (second, "In the harbour.")):
        note_of_page = page.locator(f"#review-note-{note.pk}")
        note_of_page.get_by_text("Reply…").click()
        note_of_page.get_by_label("Your reply", exact=True).fill(answer)
    page.close(run_before_unload=True)

    # Someone deletes one of the notes that are being answered.
    second.delete()
    page = open_form(browser_of_ruth, path)
    section = page.locator("#review-section")
    expect(section.get_by_role("status")).to_have_text("What you were writing is still here. It isn't sent yet.")
    expect(section.get_by_label("New note")).to_have_value("In the harbour.\n\nIn which town?")
    expect(section.locator(f"#review-note-{first.pk}").get_by_label("Your reply", exact=True)).to_have_value("2019.")
    expect(section.get_by_label("the paragraph at the cursor")).to_be_checked()
    expect(section.locator(".review-cursor")).to_have_text(spring)

    browser_of_ruth.clear_cookies()
    section.get_by_role("button", name="Add note").click()
    expect(section.get_by_role("status")).to_contain_text("That couldn't be saved.")
    page.goto(f"/admin/login/?next={path}")
    page.fill("#id_username", "ruth")
    page.fill("#id_password", PASSWORD)
    page.click("[type=submit]")
    for button in ("Add note", "Add reply"):
        section.get_by_role("button", name=button).click()
        expect(section.get_by_role("status")).to_have_text(re.compile(r"(Note|Reply) added\."))
        expect(section.get_by_label("New note")).to_have_value("")
    assert ReviewNote.objects.get(text__contains="town").quote == spring
    assert ReviewNote.objects.get(parent=first).text == "2019."
    assert page.evaluate(COPIES) == 0

    section.get_by_label("New note").fill("On a shared computer")
    assert page.evaluate(COPIES) == 1
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/logout/")
    assert page.evaluate(COPIES) == 0
