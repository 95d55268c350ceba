"""Structured data in the head of pages, which browsers never execute and the Content-Security-Policy allows."""

import pytest

from tests.factories import PostFactory
from tests.factories.types import OpenPage

HOSTILE = "</script><script>document.title = 'changed'</script><!-- <script>"
READ = """() => [...document.querySelectorAll("script:not([src])")].map((each) => [each.type, each.textContent])"""


@pytest.mark.django_db(transaction=True)
def test_structured_data_is_never_executed_whatever_it_contains(open_page: OpenPage) -> None:
    post = PostFactory(title=HOSTILE, slug="x", tags=[HOSTILE])
    # The fixture fails if the policy forbids anything.
    page = open_page(post.get_absolute_url())
    ((kind, text),) = page.evaluate(READ)
    assert kind == "application/ld+json"
    assert page.evaluate("(text) => JSON.parse(text)['@graph'][0].headline", text) == HOSTILE
    assert page.title().startswith(HOSTILE)
