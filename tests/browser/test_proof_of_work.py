"""The proof of work in a real browser: unseen, under the strict policy, and never in anybody's way."""

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


def test_whoever_writes_with_it_is_read_at_once(open_page: OpenPage, post: Post) -> None:
    page = open_page(post.get_absolute_url())
    fill(page, "First")
    # At once: the form waits for the solution.
    page.click("text=Submit Comment")
    expect(page.locator("#comments")).to_contain_text("First Says:")
    assert Comment.objects.get().status == "approved"
    # Back on the page, and another one: a new task is solved.
    page.go_back()
    fill(page, "Second")
    page.click("text=Submit Comment")
    expect(page.locator("#comments")).to_contain_text("Second Says:")
    assert SpentChallenge.objects.count() == 2


def test_without_scripts_the_comment_waits(open_page: OpenPage, post: Post) -> None:
    page = open_page(post.get_absolute_url(), java_script_enabled=False)
    fill(page, "First")
    page.click("text=Submit Comment")
    expect(page.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    assert Comment.objects.get().status == "pending"


def test_where_no_task_is_to_be_had_it_waits_too(open_page: OpenPage, post: Post) -> None:
    page = open_page(post.get_absolute_url())
    page.route("**/comments/challenge/", lambda route: route.fulfill(status=404))
    page.reload()
    fill(page, "First")
    page.click("text=Submit Comment")
    expect(page.get_by_text("Your comment is awaiting moderation.")).to_be_visible()
    assert Comment.objects.get().status == "pending"


def test_who_only_reads_fetches_nothing_for_it(open_page: OpenPage, post: Post) -> None:
    page = open_page("/")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(post.get_absolute_url())
    page.wait_for_load_state("networkidle")
    assert not [url for url in asked if "challenge" in url or "pbkdf2" in url]
