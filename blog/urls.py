"""The blog's URLs, in WordPress's own scheme. Included last, as a page may have any path that is still free."""

from django.urls import path

from blog import feeds, views
from blog.caching.policy import public_page
from blog.routes import feed_paths, listing_paths

app_name = "blog"

DAY = "<year:year>/<two_digits:month>/<two_digits:day>/"

urlpatterns = [
    *feed_paths("", feeds.SiteFeed, "front"),
    *feed_paths("category/<tree_path:path>/", feeds.CategoryFeed, "category"),
    *feed_paths("author/<any_slug:slug>/", feeds.AuthorFeed, "author"),
    *listing_paths("", views.front, "front"),
    *listing_paths("author/<any_slug:slug>/", views.by_author, "author"),
    *listing_paths("<year:year>/", views.by_date, "year"),
    *listing_paths("<year:year>/<two_digits:month>/", views.by_date, "month"),
    *listing_paths(DAY, views.by_date, "day"),
    # Further pages come first, because the path of a category would match them as well.
    *reversed(listing_paths("category/<tree_path:path>/", views.by_category, "category")),
    path(f"{DAY}<any_slug:slug>/", public_page(views.post), name="post"),
    path(f"{DAY}<any_slug:slug>/<page_number:page_number>/", public_page(views.post), name="post_page"),
    path("robots.txt", public_page(views.robots), name="robots"),
    path("<tree_path:path>/", public_page(views.page), name="page"),
]
