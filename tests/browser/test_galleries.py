"""The pictures of a gallery are in rows and columns, whatever their shapes and captions."""

from collections import defaultdict

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from playwright.sync_api import Page, expect

from accounts.models import User
from media.pictures import store_picture
from tests.factories import PostFactory, UserFactory
from tests.factories.files import picture
from tests.factories.types import LogIn, OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = [(60, 40), (40, 60), (50, 50), (90, 30), (30, 90)]
BOXES = """images => images.map(image => {
  const { left, right, top, width, height } = image.getBoundingClientRect();
  return [left, right, top, width, height].map(Math.round);
})"""


@pytest.fixture
def editor() -> User:
    return UserFactory(username="editor", role="Editor")


def markdown(editor: User, count: int) -> str:
    """Return a gallery of pictures in several shapes. Some have captions, of different lengths."""
    captions = ["", ' "A caption"', f' "{"A long caption. " * 9}"']
    files = [SimpleUploadedFile("a.png", picture(size=size), content_type="image/png") for size in SIZES]
    urls = [store_picture(file, by=editor).file.url for file in files]
    return "\n".join(f"![{n}]({urls[n % len(urls)]}{captions[n % 3]})" for n in range(count))


def rows(page: Page) -> list[list[tuple[int, int]]]:
    """Return the left and right edges of the images in each row, from left to right. All are squares of one size."""
    boxes = page.locator(".wp-block-gallery img").evaluate_all(BOXES)
    assert len({size for *_edges, width, height in boxes for size in (width, height)}) == 1
    edges = defaultdict(list)
    for left, right, top, *_size in boxes:
        edges[top].append((left, right))
    return [edges[top] for top in sorted(edges)]


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize(("count", "in_rows"), [(2, [2]), (4, [2, 2]), (7, [3, 3, 1])])
def test_images_are_in_line(open_page: OpenPage, editor: User, width: int, count: int, in_rows: list[int]) -> None:
    path = PostFactory(source=markdown(editor, count)).get_absolute_url()
    page = open_page(path, viewport={"width": width, "height": 800}, java_script_enabled=False)
    found = rows(page)
    assert [len(row) for row in found] == in_rows
    assert all(set(row) <= set(found[0]) for row in found)


def test_the_first_image_is_at_the_right_in_arabic(open_page: OpenPage, editor: User) -> None:
    page = open_page(PostFactory(source=markdown(editor, 3), language="ar").get_absolute_url())
    (row,) = rows(page)
    assert row == sorted(row, reverse=True)


def test_only_images_that_lead_to_the_whole_image_are_cropped(open_page: OpenPage, editor: User) -> None:
    # Without a description, an image doesn't lead to its file.
    source = markdown(editor, 3).replace("![1]", "![]")
    page = open_page(PostFactory(source=source).get_absolute_url())
    images = page.locator(".wp-block-gallery img")
    assert images.evaluate_all("images => images.map(image => getComputedStyle(image).objectFit)") == [
        "cover",
        "contain",
        "cover",
    ]


def test_two_images_fit_next_to_each_other_in_the_editor_on_a_phone(log_in: LogIn, editor: User) -> None:
    post = PostFactory(author=editor, source=markdown(editor, 3))
    page = log_in("editor", f"/admin/blog/post/{post.pk}/change/", viewport={"width": 360, "height": 740})
    page.get_by_role("button", name="Visual").click()
    images = page.locator(".visual-image")
    expect(images).to_have_count(3)
    tops = images.evaluate_all("images => images.map(image => Math.round(image.getBoundingClientRect().top))")
    assert tops[0] == tops[1] < tops[2]
