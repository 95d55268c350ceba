"""The URLs of the search. The front page is one of them, because WordPress searches at `/?s=words`."""

from django.urls import path

from blog.caching import public_page
from blog.urls import feed_paths, listing_paths
from search import feeds, views

app_name = "search"

urlpatterns = [
    *listing_paths("", views.front, "front"),
    path("opensearch.xml", public_page(views.open_search), name="description"),
    path("search/suggestions.json", public_page(views.suggestions), name="suggestions"),
    *feed_paths("search/<any_slug:terms>/", feeds.SearchFeed, "search"),
    path("search/<any_slug:terms>/", views.by_path),
    path("search/<any_slug:terms>/page/<page_number:page_number>/", views.by_path),
]
