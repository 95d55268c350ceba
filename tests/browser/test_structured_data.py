"""The data in the head of pages: browsers read it, but execute none of it, and our policy has nothing against it."""

import pytest

from tests.factories import PostFactory
from tests.factories.types import OpenPage

HOSTILE = "</script><script>document.title = 'changed'</script><!-- <script>"
READ = """() => [...document.querySelectorAll("script:not([src])")].map((each) => [each.type, each.textContent])"""


@pytest.mark.django_db(transaction=True)
def test_is_data_whatever_it_contains(open_page: OpenPage) -> None:
    post = PostFactory(title=HOSTILE, slug="x", tags=[HOSTILE])
    # The fixture fails if the policy forbids anything.
    page = open_page(post.get_absolute_url())
    ((kind, text),) = page.evaluate(READ)
    assert kind == "application/ld+json"
    assert page.evaluate("(text) => JSON.parse(text)['@graph'][0].headline", text) == HOSTILE
    assert page.title().startswith(HOSTILE)
