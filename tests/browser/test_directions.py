"""A text without a language on an English site: each block is read and aligned by its own first letter."""

from typing import Any

import pytest

from tests.factories import PostFactory
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

# The distances in pixels of the text of an element from the left and the right edge of the whole text.
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
