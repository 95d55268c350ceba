"""Moderating the queue: with the keyboard, alongside a second moderator, by touch, and without JavaScript."""

import datetime as dt
import re

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page, Route, expect
from pytest_django import Settings

from accounts.models import User
from comments.models import Block, Comment
from comments.models import CommentStatus as Status
from comments.moderation.decisions import approve
from tests.factories import PASSWORD, CommentFactory, PostFactory, UserFactory
from tests.factories.types import Device, Faults, LogIn

pytestmark = pytest.mark.django_db(transaction=True)

QUEUE = "/admin/comments/queue/"
LONG = "A long text about what happened. " * 60


@pytest.fixture
def moderators() -> list[User]:
    return [
        UserFactory.create(username=name.lower(), display_name=name, password=PASSWORD, role="Moderator")
        for name in ("Anna", "Bo")
    ]


def create_pending_comments(count: int) -> list[Comment]:
    """Create pending comments by authors named N1, N2 and so on."""
    post = PostFactory(title="A post")
    now = timezone.now()
    return [
        CommentFactory(
            entry=post,
            name=f"N{n}",
            text=LONG if n == 3 else "تحية من بيروت" if n == 4 else f"Text {n}.",
            status=Status.PENDING,
            created_at=now - dt.timedelta(hours=count - n),
            reasons=[{"check": "links", "verdict": "hold", "message": "It has 3 links."}],
        )
        for n in range(1, count + 1)
    ]


def row(page: Page, comment: Comment) -> str:
    return f"#comment-{comment.pk}:not([hidden])"


def statuses(comments: list[Comment]) -> list[str]:
    stored = Comment.objects.in_bulk([comment.pk for comment in comments])
    return [stored[comment.pk].status for comment in comments]


def press_and_wait(page: Page, key: str) -> None:
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.keyboard.press(key)


def test_thirty_comments_are_moderated_with_the_keyboard_alone(
    log_in: LogIn, moderators: list[User], faults: Faults
) -> None:
    comments = create_pending_comments(30)
    anna = log_in("anna", QUEUE)
    bo = log_in("bo", QUEUE)
    assert faults(anna) == ""

    anna.keyboard.press("j")
    expect(anna.locator(row(anna, comments[0]))).to_be_focused()
    press_and_wait(anna, "s")
    expect(anna.locator("#result-message")).to_have_text("1 comment marked as spam.")
    expect(anna.locator(row(anna, comments[1]))).to_be_focused()
    press_and_wait(anna, "u")
    expect(anna.locator("#result-message")).to_have_text("Undone for 1 comment.")
    expect(anna.locator(row(anna, comments[0]))).to_be_focused()
    assert statuses(comments[:1]) == [Status.PENDING]

    # While a reply is being typed, letters are not shortcuts, also after a click.
    anna.locator(row(anna, comments[0])).get_by_text("Reply", exact=True).click()
    expect(anna.get_by_label("Your reply").first).to_be_focused()
    anna.keyboard.press("Escape")
    anna.keyboard.press("r")
    anna.keyboard.type("Thanks, a just question? sst")
    assert faults(anna) == ""
    press_and_wait(anna, "Control+Enter")
    expect(anna.locator(row(anna, comments[0]))).to_have_count(0)
    reply = Comment.objects.get(parent=comments[0])
    assert (reply.text, reply.user, reply.status) == ("Thanks, a just question? sst", moderators[0], Status.APPROVED)

    # Two selected comments are trashed together.
    expect(anna.locator(row(anna, comments[1]))).to_be_focused()
    for key in "xjx":
        anna.keyboard.press(key)
    expect(anna.locator("#selected-count")).to_have_text("2")
    press_and_wait(anna, "t")

    anna.keyboard.press("e")
    anna.keyboard.press("Control+A")
    anna.keyboard.type("In other words.")
    press_and_wait(anna, "Control+Enter")
    expect(anna.locator(f"{row(anna, comments[3])} > .text")).to_have_text("In other words.")
    expect(anna.locator(row(anna, comments[3]))).to_be_focused()

    for _comment in comments[3:-1]:
        press_and_wait(anna, "a")

    # The help is opened before the last one, because checking many rows again takes seconds.
    anna.keyboard.press("?")
    expect(anna.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert faults(anna) == ""
    anna.keyboard.press("Escape")
    press_and_wait(anna, "a")
    expect(anna.locator("#empty")).to_be_visible()
    expect(anna.locator("#queue")).to_be_hidden()
    expect(anna.locator(".tabs [aria-current] .tab-count")).to_have_text("0")
    expect(anna.locator("[data-count=comments]")).to_be_hidden()
    expect(anna).to_have_title(re.compile(r"^\s*Moderation queue"))
    assert faults(anna) == ""
    expected = [Status.APPROVED, Status.TRASH, Status.TRASH, *[Status.APPROVED] * 27]
    assert statuses(comments) == expected
    comments[3].refresh_from_db()
    assert comments[3].revisions.get().by == moderators[0]

    # The second moderator still sees them, and is told who decided first.
    bo.keyboard.press("j")
    press_and_wait(bo, "s")
    expect(bo.locator("#result-message")).to_contain_text("Anna approved it")
    expect(bo.locator(f"{row(bo, comments[0])} .note")).to_contain_text("Anna approved it")
    assert faults(bo) == ""
    assert statuses(comments) == expected
    # The next key is not about the comment that came back.
    expect(bo.locator(row(bo, comments[1]))).to_be_focused()
    bo.keyboard.press("k")
    press_and_wait(bo, "s")
    expect(bo.locator("#result-message")).to_have_text("1 comment marked as spam.")
    bo.reload()
    expect(bo.locator("#empty")).to_be_visible()


def test_a_decision_updates_the_counts_of_all_tabs(log_in: LogIn, moderators: list[User]) -> None:
    comments = create_pending_comments(3)
    approved = CommentFactory(entry=comments[0].entry, status=Status.APPROVED, created_at=timezone.now())
    page = log_in("anna", f"{QUEUE}?status=approved")
    counts = page.locator(".tabs .tab-count")
    expect(counts).to_have_text(["3", "0", "0"])
    page.get_by_role("button", name="Unapprove").click()
    expect(counts).to_have_text(["4", "0", "0"])
    expect(page.locator("[data-count=comments]")).to_have_text("4")
    expect(page).to_have_title(re.compile(r"^\s*\(4\) "))

    page.goto(QUEUE)
    # What someone else decides in the meantime is counted with the next decision.
    approve([approved], moderators[1])
    press_and_wait(page, "s")
    expect(counts).to_have_text(["2", "1", "0"])
    press_and_wait(page, "t")
    expect(counts).to_have_text(["1", "1", "1"])
    press_and_wait(page, "u")
    expect(counts).to_have_text(["2", "1", "0"])
    expect(page.locator("[data-count=comments]")).to_have_text("2")


def test_more_rows_are_fetched_in_advance(log_in: LogIn, moderators: list[User]) -> None:
    comments = create_pending_comments(40)
    page = log_in("anna", QUEUE)
    expect(page.locator(".queue-comment")).to_have_count(25)
    for _comment in comments[:15]:
        press_and_wait(page, "t")
    expect(page.locator(".queue-comment:not([hidden])")).to_have_count(25)
    expect(page.locator("#next-page")).to_have_count(0)
    expect(page.locator(row(page, comments[-1]))).to_have_count(1)
    assert statuses(comments) == [Status.TRASH] * 15 + [Status.PENDING] * 25


def test_a_row_comes_back_if_the_decision_was_not_saved(log_in: LogIn, moderators: list[User]) -> None:
    comments = create_pending_comments(2)
    page = log_in("anna", QUEUE)
    page.route("**/decide/*", lambda route: route.fulfill(status=403, body=""))
    # An open page could still reach the server while Chromium is turning interception on.
    page.reload()
    page.keyboard.press("a")
    expect(page.locator("#result-message")).to_contain_text("This was not saved.")
    expect(page.locator(row(page, comments[0]))).to_be_visible()
    page.unroute("**/decide/*")
    # The next key is not about the comment that came back.
    press_and_wait(page, "s")
    press_and_wait(page, "a")
    assert statuses(comments) == [Status.APPROVED, Status.SPAM]


def test_a_reply_is_sent_after_logging_in_again_but_never_in_the_name_of_someone_else(
    log_in: LogIn, moderators: list[User], faults: Faults
) -> None:
    comments = create_pending_comments(2)
    page = log_in("anna", QUEUE)
    page.keyboard.press("r")
    page.keyboard.type("Typed before the session ended.")
    page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    message, link = page.locator("#result-message"), page.get_by_role("link", name="Log in in a new window")
    for name, expected in (("", "You have been logged out"), ("bo", "You have been logged out"), ("anna", "approved")):
        if name:
            with page.expect_popup() as popup:
                link.click()
            popup.value.fill("#id_username", name)
            popup.value.fill("#id_password", PASSWORD)
            popup.value.click("[type=submit]")
            popup.value.wait_for_url(lambda url: "/login/" not in url)
            popup.value.close()
        page.locator(f"#reply-{comments[0].pk}").focus()
        press_and_wait(page, "Control+Enter")
        expect(message).to_contain_text(expected)
        if name == "":
            assert faults(page) == ""
        if name == "bo":
            page.context.clear_cookies(name=settings.SESSION_COOKIE_NAME)
    expect(link).to_be_hidden()
    reply = Comment.objects.get(parent=comments[0])
    assert (reply.text, reply.user) == ("Typed before the session ended.", moderators[0])
    press_and_wait(page, "s")
    expect(message).to_have_text("1 comment marked as spam.")
    assert statuses(comments) == [Status.APPROVED, Status.SPAM]


def test_a_reply_or_an_edit_is_sent_only_once_however_often_it_is_clicked(
    log_in: LogIn, moderators: list[User]
) -> None:
    comments = create_pending_comments(2)
    page = log_in("anna", QUEUE)
    held: list[Route] = []
    page.route("**/decide/*", lambda route: held.append(route))
    # An open page could still reach the server while Chromium is turning interception on.
    page.reload()

    reply = page.locator(f"#reply-{comments[0].pk}")
    page.keyboard.press("r")
    reply.fill("Dear N1")
    page.get_by_role("button", name="Approve and reply").dblclick()
    expect(reply).not_to_be_editable()
    page.keyboard.press("Control+Enter")
    answer_only_request(held, page)
    expect(page.locator("#result-message")).to_contain_text("approved")
    expect(page.locator(row(page, comments[0]))).to_have_count(0)
    assert Comment.objects.get(parent=comments[0]).text == "Dear N1"

    edit = page.locator(f"#edit-{comments[1].pk}")
    page.keyboard.press("e")
    edit.fill("In other words.")
    page.keyboard.down("Control")
    page.keyboard.down("Enter")
    expect(edit).not_to_be_editable()
    answer_only_request(held, page, status=409)
    expect(page.locator("#result-message")).to_contain_text("This was not saved.")
    expect(edit).to_be_editable()
    # The key is still down.
    page.keyboard.down("Enter")
    expect(edit).to_be_editable()
    page.keyboard.up("Enter")
    page.keyboard.up("Control")
    page.get_by_role("button", name="Save").dblclick()
    answer_only_request(held, page)
    expect(page.locator(f"{row(page, comments[1])} > .text")).to_have_text("In other words.")
    expect(page.locator(".note")).to_have_count(0)


def answer_only_request(held: list[Route], page: Page, status: int = 200) -> None:
    """Let the only request that was sent reach the server, or fail with this status."""
    # After a round trip, all requests that the page has sent are known.
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 100))")
    (route,) = held
    held.clear()
    if status == 200:
        route.continue_()
    else:
        route.fulfill(status=status, body="")


def test_a_comment_is_printed_in_full_without_the_frame_of_the_admin(log_in: LogIn, moderators: list[User]) -> None:
    comment = CommentFactory.create(text=LONG, website="https://example.org/" + "a" * 100, status=Status.TRASH)
    page = log_in("anna", f"/admin/comments/comment/{comment.pk}/change/")
    printed = page.locator(".printed")
    expect(printed).to_be_hidden()
    page.emulate_media(media="print")
    expect(printed).to_contain_text(LONG.strip())
    for value in (comment.name, comment.email, comment.website):
        expect(printed.get_by_text(value, exact=True)).to_be_visible()
    expect(page.get_by_text("If you need it as evidence, print this page first.")).to_be_visible()
    for hidden in ("textarea", "#id_website", "#header", ".submit-row"):
        expect(page.locator(hidden).first).to_be_hidden()


def test_keyboard_shortcuts_can_be_turned_off(log_in: LogIn, moderators: list[User]) -> None:
    comments = create_pending_comments(1)
    page = log_in("anna", QUEUE)
    # The question mark of Arabic keyboards.
    question_mark = {"type": "rawKeyDown", "key": "؟", "code": "Slash", "modifiers": 8}
    page.context.new_cdp_session(page).send("Input.dispatchKeyEvent", question_mark)
    page.get_by_label("Use keyboard shortcuts in this browser").uncheck()
    page.get_by_role("button", name="Close").click()
    for key in "jasu":
        page.keyboard.press(key)
    page.reload()
    page.keyboard.press("a")
    page.reload()
    expect(page.locator(row(page, comments[0]))).to_be_visible()
    assert statuses(comments) == [Status.PENDING]


def test_comments_return_to_their_places_when_decisions_are_undone(log_in: LogIn, moderators: list[User]) -> None:
    comments = create_pending_comments(6)
    page = log_in("anna", QUEUE)
    shown = page.locator(".queue-comment:not([hidden])")
    expect(shown).to_have_count(6)

    def names() -> list[str]:
        return page.locator(".queue-comment:not([hidden]) .about strong").all_inner_texts()

    # One after the other, the latest first, and then three together.
    for pk, key in ((1, "t"), (3, "a")):
        page.locator(row(page, comments[pk])).focus()
        press_and_wait(page, key)
    expect(page.locator("#result-message")).to_have_text("1 comment approved.")
    press_and_wait(page, "u")
    press_and_wait(page, "u")
    expect(page.locator("#result-message")).to_have_text("Undone for 1 comment.")
    expect(page.locator(row(page, comments[1]))).to_be_focused()
    assert names() == ["N1", "N2", "N3", "N4", "N5", "N6"]
    for comment in comments[2:5]:
        page.locator(row(page, comment)).get_by_role("checkbox").check()
    press_and_wait(page, "s")
    expect(shown).to_have_count(3)
    press_and_wait(page, "u")
    expect(shown).to_have_count(6)
    assert names() == ["N1", "N2", "N3", "N4", "N5", "N6"]
    expect(page.locator(row(page, comments[2]))).to_be_focused()

    # Spam is sorted newest first.
    Comment.objects.update(status=Status.SPAM)
    page.goto(f"{QUEUE}?status=spam")
    assert names() == ["N6", "N5", "N4", "N3", "N2", "N1"]
    for comment in comments[1:4]:
        page.locator(row(page, comment)).get_by_role("checkbox").check()
    press_and_wait(page, "t")
    expect(shown).to_have_count(3)
    press_and_wait(page, "u")
    expect(shown).to_have_count(6)
    assert names() == ["N6", "N5", "N4", "N3", "N2", "N1"]


def test_the_button_says_which_decision_it_undoes(log_in: LogIn, moderators: list[User]) -> None:
    comments = create_pending_comments(3)
    page = log_in("anna", QUEUE)
    button, message = page.locator("#undo"), page.locator("#result-message")
    for number in (0, 1):
        page.locator(row(page, comments[number])).get_by_role("button", name="Spam").click()
        expect(message).to_have_text("1 comment marked as spam.")
        expect(button).to_have_accessible_name("Undo")
        expect(page.locator(row(page, comments[number]))).to_have_count(0)
    button.click()
    expect(message).to_have_text("Undone for 1 comment.")
    expect(page.locator(row(page, comments[1]))).to_be_visible()
    expect(button).to_have_accessible_name("Undo the decision before")
    button.click()
    expect(page.locator(row(page, comments[0]))).to_be_visible()
    expect(button).to_be_hidden()
    assert statuses(comments) == [Status.PENDING] * 3


def test_comments_are_moderated_with_mouse_or_touch(
    log_in: LogIn, moderators: list[User], device: Device, faults: Faults
) -> None:
    comments = create_pending_comments(4)
    page = log_in("anna", QUEUE, **device)
    page.get_by_role("button", name="Spam").first.click()
    expect(page.locator(row(page, comments[0]))).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(row(page, comments[0]))).to_be_visible()
    page.get_by_text("more characters").click()
    for number in (1, 2):
        page.get_by_label(f"Select the comment by N{number}").check()
    page.get_by_text("Block commenter…").first.click()
    assert faults(page) == ""
    page.locator("#bulk-actions").get_by_role("button", name="Trash").click()
    expect(page.locator("#result-message")).to_have_text("2 comments moved to the trash.")
    assert statuses(comments) == [Status.TRASH, Status.TRASH, Status.PENDING, Status.PENDING]
    page.get_by_label("Select the comment by N3").check()
    page.get_by_role("button", name="Select all").click()
    expect(page.locator("#selected-count")).to_have_text("2")

    found = {}
    for path in ("?status=trash", "?status=approved", "statistics/", "similar/?kind=host&text=example.org"):
        page.goto(QUEUE + path)
        found[path] = faults(page)
    page.get_by_label("is marked as spam").check()
    page.get_by_role("button", name="Block", exact=True).click()
    expect(page.get_by_text("Blocked. From now on")).to_be_visible()
    found["blocked"] = faults(page)
    page.goto("/admin/comments/decision/")
    assert found == dict.fromkeys(found, "")
    assert Block.objects.get().text == "example.org"


def test_a_text_that_is_not_sent_yet_is_not_lost_with_a_decision(log_in: LogIn, moderators: list[User]) -> None:
    comments = create_pending_comments(2)
    page = log_in("anna", QUEUE)
    reply = page.locator(f"#reply-{comments[0].pk}")
    page.keyboard.press("r")
    reply.fill("Dear N1")
    page.get_by_role("button", name="Approve", exact=True).first.click()
    expect(page.locator("#result-message")).to_contain_text("This text isn't sent yet, so nothing was decided.")
    expect(reply).to_be_focused()
    expect(reply).to_have_value("Dear N1")
    # The other comment can still be decided about.
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_role("button", name="Spam", exact=True).nth(1).click()
    assert statuses(comments) == [Status.PENDING, Status.SPAM]
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_role("button", name="Approve and reply").first.click()
    assert Comment.objects.get(parent=comments[0]).text == "Dear N1"


def test_a_double_click_decides_about_one_comment(log_in: LogIn, moderators: list[User]) -> None:
    post = PostFactory()
    comments = [CommentFactory(entry=post, name=name, text="x", status=Status.PENDING) for name in "ABC"]
    anna = log_in("anna", QUEUE)
    for key in "jss":
        press_and_wait(anna, key) if key == "s" else anna.keyboard.press(key)
    anna.locator("#undo").dblclick()
    expect(anna.locator(row(anna, comments[1]))).to_be_visible()
    # The comments look alike, so the last one moves to where the second was.
    button = anna.locator(row(anna, comments[1])).get_by_role("button", name="Spam")
    button.dblclick()
    expect(anna.locator(row(anna, comments[1]))).to_have_count(0)
    expect(anna.locator("#result-message")).to_have_text("1 comment marked as spam.")
    assert statuses(comments) == [Status.SPAM, Status.SPAM, Status.PENDING]


def test_the_button_of_the_menu_counts_along(log_in: LogIn, moderators: list[User]) -> None:
    create_pending_comments(2)
    page = log_in("anna", QUEUE, viewport={"width": 390, "height": 844})
    count = page.locator(".menu-button .count")
    expect(count).to_have_text("2")
    page.get_by_role("button", name="Approve", exact=True).first.click()
    expect(count).to_have_text("1")
    page.get_by_role("button", name="Approve", exact=True).first.click()
    expect(count).to_be_hidden()


def test_comments_are_moderated_without_javascript(log_in: LogIn, moderators: list[User]) -> None:
    comments = create_pending_comments(3)
    page = log_in("anna", QUEUE, java_script_enabled=False)
    approve(comments[:1], moderators[1])
    page.get_by_role("button", name="Spam").first.click()
    expect(page.locator(".to-review .note")).to_contain_text("Bo approved it")
    page.locator("#queue").get_by_role("button", name="Spam").first.click()
    page.locator(".messagelist").get_by_role("button", name="Undo").click()
    expect(page.locator(".messagelist")).to_contain_text("Undone for 1 comment.")
    assert statuses(comments) == [Status.APPROVED, Status.PENDING, Status.PENDING]
    page.get_by_text("Reply").first.click()
    page.get_by_label("Your reply").first.fill("Dear N2")
    with page.expect_navigation():
        page.get_by_role("button", name="Approve and reply").first.click()
    assert Comment.objects.get(parent=comments[1]).text == "Dear N2"
    page.get_by_role("link", name="Edit", exact=True).click()
    page.get_by_role("textbox", name="Text").fill("Less")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page).to_have_url(re.compile(rf"{QUEUE}\?status=pending$"))
    expect(page.locator(".messagelist")).to_contain_text("saved.")
    assert Comment.objects.get(pk=comments[2].pk).text == "Less"


def test_each_line_of_a_comment_starts_on_the_side_of_its_script(log_in: LogIn, moderators: list[User]) -> None:
    CommentFactory(status=Status.PENDING, text="Thank you.\n\nسطر بالعربية")
    text = log_in("anna", QUEUE).locator(".queue-comment .text")
    space_at_the_start = """element => {
      const line = document.createRange();
      line.setStart(element.firstChild, element.textContent.indexOf("س"));
      line.setEnd(element.firstChild, element.textContent.length);
      return line.getBoundingClientRect().left - element.getBoundingClientRect().left;
    }"""
    assert text.evaluate(space_at_the_start) > 100


def test_pages_are_accessible_from_right_to_left(
    log_in: LogIn, moderators: list[User], device: Device, faults: Faults
) -> None:
    create_pending_comments(5)
    page = log_in("anna", QUEUE, **device)
    for path in ("", "statistics/", "similar/?kind=name&text=N1"):
        page.goto(QUEUE + path)
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert faults(page) == ""


def test_on_phones_the_chosen_status_is_in_sight_and_no_gap_is_left_for_the_shortcuts(
    log_in: LogIn, moderators: list[User], settings: Settings
) -> None:
    # The longest names of statuses.
    settings.LANGUAGE_CODE = "ar"
    page = log_in("anna", QUEUE, viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    page.goto(f"{QUEUE}?status=approved")
    expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=0.9)
    expect(page.get_by_role("listitem").filter(has=page.locator("#open-shortcuts"))).to_have_count(0)
    start_of_title, start_of_button = (
        page.locator(place).evaluate("element => element.getBoundingClientRect().right")
        for place in ("h1", ".object-tools a")
    )
    assert start_of_button == start_of_title


def test_the_outline_of_a_focused_tab_is_not_cut_off_on_phones(log_in: LogIn, moderators: list[User]) -> None:
    page = log_in("anna", QUEUE, viewport={"width": 320, "height": 640})
    tab = page.locator(".tabs a").first
    page.locator("#open-shortcuts").focus()
    for _ in range(2):
        page.keyboard.press("Tab")
    expect(tab).to_be_focused()
    reach = tab.evaluate("element => parseFloat(getComputedStyle(element).outlineOffset) + 2")
    space = tab.evaluate(
        "element => element.getBoundingClientRect().top - element.closest('ul').getBoundingClientRect().top"
    )
    assert reach <= space
