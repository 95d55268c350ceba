"""WordPress's own scheme of addresses. Included last: a page may have any path that is not taken before."""

from django.urls import path

from blog import feeds, views
from blog.caching import public_page
from blog.routes import feed_paths, listing_paths

app_name = "blog"

DAY = "<year:year>/<two:month>/<two:day>/"

urlpatterns = [
    *feed_paths("", feeds.SiteFeed, "front"),
    *feed_paths("category/<tree:path>/", feeds.CategoryFeed, "category"),
    *feed_paths("author/<uslug:slug>/", feeds.AuthorFeed, "author"),
    *listing_paths("", views.front, "front"),
    *listing_paths("author/<uslug:slug>/", views.by_author, "author"),
    *listing_paths("<year:year>/", views.by_year, "year"),
    *listing_paths("<year:year>/<two:month>/", views.by_month, "month"),
    *listing_paths(DAY, views.by_day, "day"),
    # The paged address first: a category's path would swallow it.
    *reversed(listing_paths("category/<tree:path>/", views.by_category, "category")),
    path(f"{DAY}<uslug:slug>/", public_page(views.post), name="post"),
    path(f"{DAY}<uslug:slug>/<number:number>/", public_page(views.post), name="post_part"),
    path("robots.txt", public_page(views.robots), name="robots"),
    path("<tree:path>/", public_page(views.page), name="page"),
]
