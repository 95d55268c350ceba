"""The URLs of tags, and of their index."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from blog.caching import public_page
from blog.urls import feed_paths, listing_paths
from tags import feeds, views
from tags.index import SYMBOLS_IN_URLS, index

app_name = "tags"


class LetterConverter(StringConverter):
    """One character, or what stands for digits and symbols. Pages below an imported page `/tags/` have longer names."""

    regex = f"(?:[^/\\x00]|{SYMBOLS_IN_URLS})"


register_converter(LetterConverter, "letter")

urlpatterns = [
    *listing_paths("tag/<any_slug:slug>/", views.by_tag, "tag"),
    *feed_paths("tag/<any_slug:slug>/", feeds.TagFeed, "tag"),
    path("tags/", public_page(index), name="index"),
    *listing_paths("tags/<letter:letter>/", index, "letter"),
]
