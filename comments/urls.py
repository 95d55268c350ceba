"""The URLs of comments. They come before the blog's, because a page may have any other path."""

from django.urls import include, path, re_path, register_converter

from blog.caching import public_page
from blog.secret_pages import broken_link
from blog.urls import DAY, Patterns, TreePathConverter, feed_paths
from comments import feeds
from comments.views import by_email, commenting, webmentions
from core.slugs import reserved_pattern

app_name = "comments"


class PagePathConverter(TreePathConverter):
    """The path of a page, not of `category/`, a year and the like, which have feeds of their own."""

    regex = rf"(?!(?:{reserved_pattern()}|[0-9]{{4}})/){TreePathConverter.regex}"


register_converter(PagePathConverter, "page_path")

_own: Patterns = [
    path("on/<slug:kind>/<int:pk>/", commenting.add, name="add"),
    path("challenge/", commenting.challenge, name="challenge"),
    path("<int:pk>/", commenting.comment_redirect, name="comment"),
    path("webmention/", webmentions.endpoint, name="webmention"),
    path("own/<str:signed>/", commenting.own, name="own"),
    path("decide/<str:signed>/<slug:action>/", by_email.decide, name="decide"),
    path("follow/<slug:kind>/<int:pk>/", by_email.follow, name="follow"),
    path("confirm/<str:signed>/", by_email.confirm, name="confirm"),
    path("unsubscribe/<str:signed>/", by_email.unsubscribe, name="unsubscribe"),
    re_path("^(?:confirm|decide|unsubscribe)/(?:.*/)?$", broken_link),
    feed_paths("", feeds.CommentFeed, "site"),
]

urlpatterns = [
    path("comments/", include(_own)),
    re_path(
        rf"^(?P<base>(?!{reserved_pattern()}/).+/)comment-page-(?P<page_number>[0-9]{{1,9}})/?$",
        public_page(commenting.comment_page),
    ),
    feed_paths(f"{DAY}<any_slug:slug>/", feeds.CommentFeed, "post"),
    feed_paths("<page_path:path>/", feeds.CommentFeed, "page"),
]
