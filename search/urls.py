"""The URLs of the search. The front page is one of them, because WordPress searches at `/?s=words`."""

from django.urls import include, path

from blog.caching import public_page
from blog.urls import Patterns, feed_paths, listing_paths
from search import feeds, views

app_name = "search"

_searches: Patterns = [
    path("suggestions.json", public_page(views.suggestions), name="suggestions"),
    feed_paths("<any_slug:terms>/", feeds.SearchFeed, "search"),
    path("<any_slug:terms>/", views.by_path),
    path("<any_slug:terms>/page/<page_number:page_number>/", views.by_path),
]

urlpatterns = [
    *listing_paths("", views.front, "front"),
    path("opensearch.xml", public_page(views.open_search), name="description"),
    path("search/", include(_searches)),
]
