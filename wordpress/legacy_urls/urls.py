"""The URLs of WordPress that have no counterpart here. They precede those of the blog, whose pages match any path."""

from django.urls import path, re_path

from blog.caching import public_page
from wordpress.legacy_urls import views

app_name = "wordpress"

ATOM = {"base": "", "ending": "feed/atom/"}
COMMENTS = {"base": "", "ending": "comments/feed/"}

urlpatterns = [
    path("", public_page(views.front), name="front"),
    re_path(r"^index\.php(?:/(?P<rest>.*))?$", views.without_index),
    re_path(r"^(?:wp-login|wp-register|wp-signup)\.php$", views.admin),
    re_path(r"^wp-admin(?:/.*)?$", views.admin),
    re_path(r"^(?:rss2?|rdf)/?$", views.feed),
    re_path(r"^wp-(?:rss2?|rdf|feed)\.php$", views.feed),
    re_path(r"^(?:atom/?|wp-atom\.php)$", views.feed, ATOM),
    re_path(r"^wp-commentsrss2\.php$", views.feed, COMMENTS),
    re_path(r"^(?P<base>(?:.+/)?)feed/(?:rdf|feed)/?$", views.feed),
    re_path(
        r"^search/(?P<terms>[^/]+)(?:/page/(?P<page_number>[0-9]{1,9}))?(?:/feed(?:/[a-z0-9]+)?)?/?$", views.search
    ),
    re_path(r"^(?:wp-sitemap[a-z0-9-]*|sitemap_index|news-sitemap)\.xml$", views.sitemap),
    re_path(r"^(?:wp-content/(?:uploads|blogs\.dir/[0-9]+/files)|files)/(?P<path>.+)$", views.file),
    # Paths on NAME.files.wordpress.com.
    re_path(r"^(?P<path>[0-9]{4}/[0-9]{2}/[^/]+\.[A-Za-z0-9]{2,5})$", views.file),
]
