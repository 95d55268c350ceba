"""A post is submitted, gets notes, is returned, answered, submitted again and published, with e-mails at each step."""

import re
from urllib.parse import urlsplit

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from blog.models import Post, ReviewNote, ReviewPreference, Status
from blog.review import notes
from core.models import SiteSettings
from tests.factories import PostFactory, UserFactory
from tests.factories.responses import links
from tests.factories.types import Deliver, Faults, LogIn, OpenPage, PassTime

pytestmark = pytest.mark.django_db(transaction=True)

SPRING = "It began in spring."


@pytest.fixture(autouse=True)
def _people(db: None) -> None:
    SiteSettings.objects.get_or_create(pk=1)
    UserFactory(username="amina", display_name="Amina", role="Author", email="amina@example.org")
    ruth = UserFactory(username="ruth", display_name="Ruth", role="Editor", email="ruth@example.org")
    ReviewPreference.objects.create(user=ruth, submissions=True)
    mail.outbox.clear()


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_review_from_the_first_submission_to_publication(
    log_in: LogIn, open_page: OpenPage, deliver: Deliver, pass_time: PassTime, faults: Faults
) -> None:
    author = log_in("amina", "/admin/blog/post/add/")
    author.fill("#id_title", "Lamps")
    author.fill("#id_source", f"The first one.\n\n{SPRING}\n\nThe last one.")
    press(author, "Submit for review")
    expect(author.locator(".messagelist")).to_contain_text("Submitted for review.")
    (email,) = deliver()
    assert (email.to, email.subject) == (["ruth@example.org"], "[Broadside] Amina submitted “Lamps” for review")

    editor = log_in("ruth", next(link for link in links(email) if link.endswith("/change/")))
    section = editor.locator("#review-section")
    editor.fill("#id_title", "Lamps and harbours")
    # The caret goes into the second paragraph.
    editor.locator("#id_source").press("Control+Home")
    for _ in range(2):
        editor.keyboard.press("ArrowDown")
    expect(section.get_by_label("the paragraph at the cursor")).to_be_checked()
    expect(section.locator(".review-cursor")).to_have_text(SPRING)
    press(editor, "Add note")
    expect(section.get_by_role("alert")).to_have_text("Write something first.")
    section.get_by_label("New note").fill("Which year?")
    press(editor, "Add note")
    expect(section.get_by_role("status")).to_have_text("Note added.")
    expect(section.locator(".review-note blockquote")).to_have_text(SPRING)
    expect(section.get_by_label("New note")).to_be_focused()
    expect(section.get_by_label("New note")).to_have_value("")
    expect(editor.locator(".review-count")).to_have_text("1 open note")
    # Unsaved changes are still there, and only the note was saved.
    expect(editor.locator("#id_title")).to_have_value("Lamps and harbours")
    assert Post.objects.get().title == "Lamps"
    editor.get_by_text("Return to author…").click()
    expect(editor.get_by_label("Note to the author")).to_be_focused()
    editor.keyboard.type("Nearly there.")
    press(editor, "Return to author")
    expect(editor.locator(".messagelist")).to_contain_text("Returned to the author.")
    assert Post.objects.get().status == Status.DRAFT
    (email,) = deliver()
    assert email.to == ["amina@example.org"]
    assert "> Which year?" in email.body
    assert "> Nearly there." in email.body

    author.goto("/admin/")
    author.get_by_role("region", name="Feedback").get_by_role("link").first.click()
    section, source = author.locator("#review-section"), author.locator("#id_source")
    source.press("Control+Home")
    author.keyboard.type("Unsaved. ")
    press(author, "Show in the text")
    assert source.evaluate("field => field.value.slice(field.selectionStart, field.selectionEnd)") == SPRING
    author.keyboard.type("It began in the spring of 2019.")
    press(author, "Show in the text")
    expect(section.get_by_role("status")).to_contain_text("this paragraph is no longer the same")
    first, second = section.locator(".review-note").all()
    second.get_by_text("Reply…").click()
    second.get_by_label("Your reply", exact=True).fill("2019.")
    # What is typed into another field survives, too.
    first.get_by_text("Reply…").click()
    first.get_by_label("Your reply", exact=True).fill("Thank you")
    second.get_by_role("button", name="Add reply").click()
    expect(section.get_by_role("status")).to_have_text("Reply added.")
    expect(section.locator(".review-answer")).to_contain_text("2019.")
    expect(section.locator(".review-note").nth(1)).to_be_focused()
    expect(section.locator(".review-note").first.get_by_label("Your reply", exact=True)).to_have_value("Thank you")
    expect(source).to_have_value(re.compile("Unsaved. The first one.\n\nIt began in the spring of 2019."))
    section.locator(".review-note").first.get_by_label("Your reply", exact=True).fill("")
    press(author, "Submit for review")
    expect(author.locator(".messagelist")).to_contain_text("Submitted for review.")
    pass_time(minutes=10)
    (email,) = deliver()
    assert "> 2019." in email.body

    editor.goto(author.url)
    section = editor.locator("#review-section")
    expect(section).to_contain_text("The paragraph has changed since the note was written.")
    for _ in range(2):
        section.get_by_role("button", name="Resolve").first.click()
        expect(section.get_by_role("status")).to_have_text("Note resolved.")
        expect(section.locator("summary").first).to_be_focused()
    expect(section).to_contain_text("2 resolved notes")
    expect(editor.locator(".review-count")).to_be_hidden()
    press(editor, "Publish")
    expect(editor.locator(".messagelist")).to_contain_text("Post published.")
    pass_time(minutes=10)
    (email,) = deliver()
    assert email.subject == "[Broadside] Ruth published “Lamps and harbours”"

    stop = open_page(next(link for link in links(email) if "unsubscribe" in link))
    found = {"asked": faults(stop)}
    press(stop, "Stop all of them")
    expect(stop.get_by_role("status")).to_contain_text("You will get no more e-mails about reviews.")
    found["stopped"] = faults(stop)
    assert found == dict.fromkeys(found, "")
    assert stop.context.cookies() == []


def test_on_a_phone_the_count_opens_the_sheet(log_in: LogIn) -> None:
    post = PostFactory(status=Status.PENDING, source=f"The first one.\n\n{SPRING}")
    notes.add(post, UserFactory(role="Editor"), "Which year?", quote=SPRING)
    page = log_in("ruth", f"/admin/blog/post/{post.pk}/change/", viewport={"width": 320, "height": 640})
    page.get_by_role("link", name="1 open note").click()
    expect(page.locator("#review-section > summary")).to_be_focused()
    expect(page.locator(".review-note")).to_be_in_viewport()
    press(page, "Show in the text")
    expect(page.locator("#writing-panel")).to_be_hidden()
    expect(page.locator("#id_source")).to_be_focused()


def test_an_answer_to_a_note_that_was_resolved_in_the_meantime_is_not_lost(log_in: LogIn) -> None:
    post, other = PostFactory(status=Status.PENDING, source=SPRING), UserFactory(role="Editor")
    first, _second = (notes.add(post, other, text) for text in ("Which year?", "Whose lamp?"))
    page = log_in("ruth", f"/admin/blog/post/{post.pk}/change/")
    section = page.locator("#review-section")
    about_year, about_lamp = (section.locator(".review-note", has_text=text) for text in ("Which year?", "Whose lamp?"))
    about_year.get_by_text("Reply…").click()
    about_year.get_by_label("Your reply", exact=True).fill("In 2019.")
    notes.resolve(first, other)
    about_lamp.get_by_role("button", name="Resolve").click()
    expect(section.get_by_label("New note")).to_have_value("In 2019.")


def test_without_javascript_nothing_typed_is_lost(log_in: LogIn) -> None:
    post = PostFactory(status=Status.PENDING, source=f"The first one.\n\n{SPRING}")
    notes.add(post, UserFactory(role="Editor"), "Which year?")
    page = log_in("ruth", f"/admin/blog/post/{post.pk}/change/", java_script_enabled=False)
    page.fill("#id_title", "Unsaved")
    with page.context.expect_page() as opened:
        press(page, "Resolve")
    tab = opened.value
    expect(tab.locator(".messagelist")).to_have_text("Note resolved.")
    tab.get_by_label("The note is about").select_option(SPRING)
    tab.get_by_label("New note").fill("In which year?")
    press(tab, "Add note")
    expect(tab.locator(".review-note blockquote")).to_have_text(SPRING)
    expect(page.locator("#id_title")).to_have_value("Unsaved")
    assert ReviewNote.objects.open().get().quote == SPRING


def test_a_preview_link_is_created_copied_and_opened_without_an_account(log_in: LogIn, open_page: OpenPage) -> None:
    post = PostFactory(title="Lamps", status=Status.DRAFT)
    page = log_in("ruth", f"/admin/blog/post/{post.pk}/preview-links/")
    press(page, "Create link")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    press(page, "Copy link")
    expect(page.get_by_text("The link was copied.")).to_be_visible()
    # The site has another host than the server of the test.
    copied = urlsplit(page.evaluate("navigator.clipboard.readText()"))
    expect(open_page(f"{copied.path}?{copied.query}").get_by_role("heading", name="Lamps")).to_be_visible()
