"""The side on which texts start: by the script of each block in a text without a language, by the page in menus."""

from typing import Any

import pytest
from pytest_django import Settings

from tests.factories import CategoryFactory, PostFactory, at
from tests.factories.types import OpenPage

pytestmark = pytest.mark.django_db(transaction=True)

SOURCE = """
منظمة العفو الدولية: تقرير جديد.

Amnesty International: a new report.

> اقتباس أول
>
> A quotation

- بند أول
- An item
- بند ثالث
"""

# Returns the distances in pixels from the text of an element to the left and the right edge of the whole text.
_MARGINS = """element => {
  const range = document.createRange();
  range.selectNodeContents(element);
  const inner = range.getBoundingClientRect();
  const outer = element.closest(".entry-body").getBoundingClientRect();
  return [Math.round(inner.left - outer.left), Math.round(outer.right - inner.right)];
}"""


def test_each_block_starts_on_the_side_of_its_script(open_page: OpenPage) -> None:
    post = PostFactory(title="مرحبا بالعالم", source=SOURCE)
    page = open_page(post.get_absolute_url())

    def sides(selector: str) -> list[tuple[str, str]]:
        """Return the direction of each element, and the side that its text is closer to."""
        result = []
        for element in page.locator(f"article {selector}").all():
            left, right = element.evaluate(_MARGINS)
            direction: Any = element.evaluate("element => getComputedStyle(element).direction")
            result.append((direction, "left" if left < right else "right"))
        return result

    assert sides(".entry-body > p") == [("rtl", "right"), ("ltr", "left")]
    assert sides("li") == [("rtl", "right"), ("ltr", "left"), ("rtl", "right")]
    # The border of the quotation is on the right, and its second paragraph is still read from the left.
    assert sides("blockquote p") == [("rtl", "right"), ("rtl", "left")]
    title: Any = page.locator("article h1").evaluate("element => getComputedStyle(element).direction")
    assert title == "rtl"
    # The markers of both kinds of items are inside the text.
    indents = page.locator("article li").evaluate_all(
        "items => items.map(item => parseFloat(getComputedStyle(item).marginInlineStart) > 20)"
    )
    assert indents == [True, True, True]


# Returns whether the count follows the name in the reading direction of the page.
_FOLLOWS = """link => {
  const [name, count] = ["bdi", ".count"].map((part) => link.querySelector(part).getBoundingClientRect());
  return document.dir === "ltr" ? count.left >= name.right : count.right <= name.left;
}"""


@pytest.mark.parametrize(("language", "side"), [("en", "left"), ("ar", "right")])
def test_menus_and_lists_start_on_the_side_of_the_page(
    language: str, side: str, open_page: OpenPage, settings: Settings
) -> None:
    settings.LANGUAGE_CODE = language
    filed = [CategoryFactory(name=name) for name in ("حقوق", "Rights")]
    for name in ("ar", "en"):
        title = "A title" if name == "en" else "عنوان"
        PostFactory(title=title, slug=name, language=name, categories=filed, published_at=at(2020, 1, 1))
    page = open_page("/2020/01/", viewport={"width": 320, "height": 640})
    links = page.locator(".sidebar a:has(.count):has(bdi)")
    # Two categories, and two languages.
    assert links.evaluate_all(f"links => links.map({_FOLLOWS})") == [True] * 4
    for selector in (".sidebar a", ".entries .filed"):
        sides = page.locator(selector).evaluate_all("found => found.map((each) => getComputedStyle(each).textAlign)")
        assert set(sides) == {side}, selector


def test_arabic_letters_are_larger_than_latin_ones(open_page: OpenPage) -> None:
    """At the same font size, they would look smaller."""
    sizes = []
    page = open_page("/")
    for language in ("en", "ar"):
        page.goto(PostFactory(language=language).get_absolute_url())
        size = page.locator(".entry-body").evaluate("element => parseFloat(getComputedStyle(element).fontSize)")
        sizes.append(size)
    latin, arabic = sizes
    assert latin < arabic < 1.2 * latin


def test_code_reads_from_left_to_right_in_an_arabic_text(open_page: OpenPage) -> None:
    post = PostFactory(language="ar", source="اكتب `f(x)` هكذا:\n\n```\nif x:\n    f(x)\n```\n")
    page = open_page(post.get_absolute_url())
    styles = page.locator(".entry-body code").evaluate_all(
        "codes => codes.map(code => [getComputedStyle(code).direction, getComputedStyle(code).unicodeBidi])"
    )
    assert styles == [["ltr", "isolate"], ["ltr", "isolate"]]
    left, right = page.locator(".entry-body pre code").evaluate(_MARGINS)
    assert left < right


def test_a_quotation_in_the_other_direction_starts_on_its_own_side(open_page: OpenPage) -> None:
    quotations = "> Who said this?\n\n> من قال هذا؟\n\n- Who said this?\n- They did.\n\n1. من قال هذا؟\n"
    page = open_page("/")
    for language in ("ar", "en"):
        page.goto(PostFactory(language=language, source=quotations).get_absolute_url())
        for selector in ("blockquote p", "li"):
            sides = [
                "left" if left < right else "right"
                for left, right in (each.evaluate(_MARGINS) for each in page.locator(f".entry-body {selector}").all())
            ]
            assert sides == (["left", "right"] if selector != "li" else ["left", "left", "right"])
        # The border is on the side where the quotation starts.
        borders = page.locator("blockquote").evaluate_all(
            "found => found.map(each => getComputedStyle(each).borderLeftWidth !== '0px')"
        )
        assert borders == [True, False]


def test_the_final_slash_of_a_url_is_at_its_end_in_an_arabic_text(open_page: OpenPage) -> None:
    post = PostFactory(language="ar", source="اقرأ https://a.example/b/ الآن.\n")
    link = open_page(post.get_absolute_url()).locator(".entry-body a")
    assert link.evaluate(
        """link => {
          const range = document.createRange(), {firstChild: text} = link;
          range.setStart(text, text.length - 1);
          range.setEnd(text, text.length);
          const slash = range.getBoundingClientRect();
          return slash.right >= link.getBoundingClientRect().right - 1;
        }"""
    )


def test_email_addresses_and_urls_are_typed_from_left_to_right_in_arabic(open_page: OpenPage) -> None:
    page = open_page(PostFactory(language="ar").get_absolute_url())
    for name, direction in {"name": "rtl", "email": "ltr", "website": "ltr"}.items():
        field = page.locator(f".comment-form [name={name}]")
        assert field.evaluate("field => getComputedStyle(field).direction") == direction
        assert field.evaluate("field => ['right', 'start'].includes(getComputedStyle(field).textAlign)")
