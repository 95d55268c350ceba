"""The addresses of comments. Included before the blog's: a page may have any path that is left."""

from django.urls import path, re_path, register_converter

from blog.caching import public_page
from blog.converters import TreePathConverter
from blog.models import RESERVED_SLUGS
from blog.routes import feed_paths
from blog.urls import DAY
from comments import feeds, mail_views, views

app_name = "comments"


class PagePathConverter(TreePathConverter):
    """The path of a page: not below what is no page, such as `category/` or a year, which have feeds of their own."""

    regex = rf"(?!(?:{'|'.join(sorted(RESERVED_SLUGS))}|[0-9]{{4}})/){TreePathConverter.regex}"


register_converter(PagePathConverter, "page_path")

urlpatterns = [
    path("comments/on/<slug:kind>/<int:pk>/", views.add, name="add"),
    path("comments/challenge/", views.challenge, name="challenge"),
    path("comments/<int:pk>/", views.one, name="one"),
    path("comments/own/<str:signed>/", views.own, name="own"),
    path("comments/decide/<str:signed>/<slug:move>/", mail_views.decide, name="decide"),
    path("comments/follow/<slug:kind>/<int:pk>/", mail_views.follow, name="follow"),
    path("comments/confirm/<str:signed>/", mail_views.confirm, name="confirm"),
    path("comments/stop/<str:signed>/", mail_views.stop, name="stop"),
    re_path(r"^(?P<base>.+/)comment-page-(?P<number>[0-9]{1,9})/?$", public_page(views.further), name="further"),
    path("comments/feed/", public_page(feeds.SiteCommentFeed("rss")), name="feed"),
    path("comments/feed/rss/", public_page(feeds.SiteCommentFeed("rss"))),
    path("comments/feed/rss2/", public_page(feeds.SiteCommentFeed("rss"))),
    path("comments/feed/atom/", public_page(feeds.SiteCommentFeed("atom")), name="atom"),
    *feed_paths(f"{DAY}<uslug:slug>/", feeds.PostCommentFeed, "post"),
    *feed_paths("<page_path:path>/", feeds.PageCommentFeed, "page"),
]
