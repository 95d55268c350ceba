"""URL templates make the same URLs as Django's `reverse`."""

import pytest
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from core.urls import URLTemplate

POST = URLTemplate("blog:post", "2000", "01", "02", "slug")
TAG = URLTemplate("tags:tag", "slug")


class TestURLTemplate:
    @given(st.text(st.characters(exclude_characters="/\0\n", exclude_categories=["Cs"]), min_size=1))
    def test_makes_the_same_urls_as_django(self, slug: str) -> None:
        assert TAG(slug) == reverse("tags:tag", args=[slug])
        assert POST("2019", "10", "22", slug) == reverse("blog:post", args=["2019", "10", "22", slug])

    @pytest.mark.parametrize("slug", ["slug", "%s", "%73lug", "01", "a b", "ü", "\N{GRINNING FACE}"])
    def test_takes_arguments_literally(self, slug: str) -> None:
        assert POST("2002", "02", "01", slug) == reverse("blog:post", args=["2002", "02", "01", slug])
