"""The URLs of tags."""

from django.urls import include, path

from blog.urls import Patterns, feed_paths, listing_paths
from tags import feeds, views

app_name = "tags"

_tags: Patterns = [
    *listing_paths("<any_slug:slug>/", views.by_tag, "tag"),
    feed_paths("<any_slug:slug>/", feeds.TagFeed, "tag"),
]

urlpatterns = [path("tag/", include(_tags))]
