"""Feedback to commenters between the click on a button and the next page, and which element has the focus there."""

import pytest
from playwright.sync_api import Page, Route, expect

from blog.models import Post
from comments.models import Comment, CommentPolicy, CommentSettings
from tests.factories import PostFactory
from tests.factories.types import OpenPage, WriteComment

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=[True, False], ids=["with proof of work", "without"])
def post(request: pytest.FixtureRequest) -> Post:
    values = {"comment_policy": CommentPolicy.OPEN, "proof_of_work": request.param}
    CommentSettings.objects.update_or_create(pk=1, defaults=values)
    return PostFactory(title="A paper")


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.id"))


# Playwright can't inspect a page that is being left, so this clicks and inspects it in one step.
CLICK_AND_INSPECT = """form => {
  const [submit, preview] = form.querySelectorAll("[type=submit]");
  for (const button of [submit, submit, preview]) button.click();
  return [submit.textContent, submit.ariaDisabled, form.querySelector("[role=status]").textContent];
}"""


def test_the_button_says_that_it_is_sending_and_sends_once(
    open_page: OpenPage, write_comment: WriteComment, post: Post
) -> None:
    page = open_page(post.get_absolute_url())
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.fill("#respond [name=name]", "Amina")
    page.fill("#respond [name=email]", "amina@example.org")
    page.fill("#respond [name=text]", "Once")
    assert page.eval_on_selector(".comment-form", CLICK_AND_INSPECT) == ["Sending…", "true", "Sending…"]
    expect(page.locator("#comments")).to_contain_text("Once")
    assert len(sent) == 1
    # Back on the page, the form can be used again.
    page.go_back()
    button = page.locator(".comment-form [type=submit]").first
    expect(button).to_have_text("Submit Comment")
    expect(button).not_to_have_attribute("aria-disabled", "true")
    write_comment(page, "Twice")
    expect(page.locator("#comments")).to_contain_text("Twice")


def test_the_form_recovers_when_the_request_fails(open_page: OpenPage, write_comment: WriteComment, post: Post) -> None:
    page = open_page(post.get_absolute_url())
    page.clock.install()
    page.route("**/comments/on/**", lambda route: route.fulfill(status=204))
    # The button changes before the request is made, which must not happen after the route is removed.
    with page.expect_response(lambda response: response.status == 204):
        write_comment(page, "Lost")
    button = page.locator(".comment-form [type=submit]").first
    expect(button).to_have_text("Sending…")
    # Playwright silently leaves the clock alone while a navigation is under way, so it may take more than one attempt.
    for _ in range(300):
        page.clock.fast_forward(60_000)
        if button.text_content() == "Submit Comment":
            break
        page.wait_for_timeout(100)
    expect(button).to_have_text("Submit Comment")
    page.unroute("**/comments/on/**")


@pytest.mark.parametrize("post", [True], ids=["with proof of work"], indirect=True)
def test_a_comment_written_while_the_page_is_still_loading_is_sent(
    open_page: OpenPage, write_comment: WriteComment, post: Post
) -> None:
    """On a slow connection, a picture may arrive long after the form."""
    page = open_page()
    page.add_init_script("addEventListener('DOMContentLoaded', () => { new Image().src = '/slow.png'; })")
    pictures: list[Route] = []
    challenges: list[Route] = []
    page.route("**/slow.png", lambda route: pictures.append(route))
    page.route("**/comments/challenge/", lambda route: challenges.append(route))
    page.goto(post.get_absolute_url(), wait_until="commit")
    write_comment(page, "Early")
    pictures[0].fulfill(status=404)
    page.wait_for_load_state("load")
    challenges[0].continue_()
    expect(page.locator("#comments")).to_contain_text("Early")


@pytest.mark.parametrize("javascript", [True, False])
def test_the_title_and_the_focus_show_the_outcome(
    open_page: OpenPage, write_comment: WriteComment, post: Post, javascript: bool
) -> None:
    page = open_page(post.get_absolute_url(), java_script_enabled=javascript)
    page.eval_on_selector(".comment-form", "form => { form.noValidate = true; }")
    page.click("text=Submit Comment")
    page.locator("#respond-result").wait_for()
    assert page.title().startswith("Your comment was not submitted – A paper")
    assert focused(page) == "respond-result"
    page.fill("#respond [name=name]", "Amina")
    page.fill("#respond [name=email]", "amina@example.org")
    page.fill("#respond [name=text]", "Words")
    page.click("text=Preview")
    expect(page.get_by_text("It is not submitted yet.")).to_be_visible()
    assert page.title().startswith("Preview of your comment – A paper")
    assert focused(page) == "respond-result"
    page.click("text=Submit Comment")
    expect(page.locator("#comments")).to_contain_text("Amina Says:")
    assert page.title().startswith("Your comment was submitted – A paper")
    assert focused(page) == f"comment-{Comment.objects.get().pk}"
