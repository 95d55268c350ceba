"""The proof of work in a real browser: invisible, allowed by the strict policy, and never an obstacle."""

import pytest
from playwright.sync_api import Page, expect

from blog.models import Post
from comments.models import Comment, CommentPolicy, CommentSettings, SpentChallenge
from tests.factories import PostFactory
from tests.factories.types import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def post() -> Post:
    CommentSettings.objects.update_or_create(pk=1, defaults={"comment_policy": CommentPolicy.OPEN})
    return PostFactory()


def fill(page: Page, words: str) -> None:
    page.fill("#respond [name=name]", words)
    page.fill("#respond [name=email]", "amina@example.org")
    page.fill("#respond [name=text]", words)


def test_a_comment_with_proof_of_work_is_published_immediately(open_page: OpenPage, post: Post) -> None:
    page = open_page(post.get_absolute_url())
    fill(page, "First")
    # This needs no delay, because the form waits for the solution.
    page.click("text=Submit Comment")
    expect(page.locator("#comments")).to_contain_text("First Says:")
    assert Comment.objects.get().status == "approved"
    # For another comment, a new challenge is solved.
    page.go_back()
    fill(page, "Second")
    page.click("text=Submit Comment")
    expect(page.locator("#comments")).to_contain_text("Second Says:")
    assert SpentChallenge.objects.count() == 2


def test_a_comment_without_javascript_is_held_for_moderation(open_page: OpenPage, post: Post) -> None:
    page = open_page(post.get_absolute_url(), java_script_enabled=False)
    fill(page, "First")
    page.click("text=Submit Comment")
    expect(page.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    assert Comment.objects.get().status == "pending"


def test_a_comment_is_held_for_moderation_if_no_challenge_is_available(open_page: OpenPage, post: Post) -> None:
    page = open_page(post.get_absolute_url())
    page.route("**/comments/challenge/", lambda route: route.fulfill(status=404))
    page.reload()
    fill(page, "First")
    page.click("text=Submit Comment")
    expect(page.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    assert Comment.objects.get().status == "pending"


def test_an_old_browser_that_cannot_wait_for_the_solution_sends_the_comment(open_page: OpenPage, post: Post) -> None:
    """Safari before 16."""
    page = open_page(post.get_absolute_url())
    page.add_init_script("delete HTMLFormElement.prototype.requestSubmit")
    page.route("**/comments/challenge/", lambda route: None)
    page.reload()
    fill(page, "First")
    page.click("text=Preview")
    expect(page.locator(".comment-preview")).to_contain_text("First")
    page.click("text=Submit Comment")
    expect(page.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    assert Comment.objects.get().status == "pending"


def test_readers_who_do_not_comment_load_nothing_for_it(open_page: OpenPage, post: Post) -> None:
    page = open_page("/")
    requested: list[str] = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(post.get_absolute_url())
    page.wait_for_load_state("networkidle")
    assert not [url for url in requested if "challenge" in url or "pbkdf2" in url]
