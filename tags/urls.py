"""The URLs of tags."""

from blog.urls import feed_paths, listing_paths
from tags import feeds, views

app_name = "tags"

urlpatterns = [
    *listing_paths("tag/<any_slug:slug>/", views.by_tag, "tag"),
    *feed_paths("tag/<any_slug:slug>/", feeds.TagFeed, "tag"),
]
