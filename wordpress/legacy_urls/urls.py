"""WordPress's own URLs. They must precede those of the blog, whose pages match any path."""

from django.urls import path, re_path

from blog.caching import public_page
from wordpress.legacy_urls import views

app_name = "wordpress"

urlpatterns = [
    path("", public_page(views.front), name="front"),
    re_path(r"^index\.php(?:/(?P<rest>.*))?$", views.shortened),
    re_path(r"^wp-(?:(?:login|register|signup)\.php|admin(?:/.*)?)$", views.named, {"name": "admin:index"}),
    re_path(r"^(?:(?:rss2?|rdf)/?|wp-(?:rss2?|rdf|feed)\.php)$", views.named, {"name": "blog:front_feed"}),
    re_path(r"^(?:atom/?|wp-atom\.php)$", views.named, {"name": "blog:front_atom"}),
    re_path(r"^wp-commentsrss2\.php$", views.named, {"name": "comments:site_feed"}),
    # The feed of a podcast, or of one of several, for which plugins had feeds of their own.
    re_path(r"^(?P<rest>(?:.+/)?feed/)podcast(?:/[^/]+)?/?$", views.shortened),
    re_path(r"^(?:wp-sitemap[a-z0-9-]*|sitemap_index|[a-z_]+-sitemap[0-9]*)\.xml$", views.named, {"name": "sitemap"}),
    path("osd.xml", views.named, {"name": "search:description"}),
    re_path(r"^(?:wp-content/(?:uploads|blogs\.dir/[0-9]+/files)|files)/(?P<path>.+[^/])$", views.file),
    re_path(r"^(?P<folder>(?:[^/]+/){1,4})wp-content/uploads/(?P<path>.+[^/])$", views.file),
    # The paths of files on NAME.files.wordpress.com.
    re_path(r"^(?P<path>[0-9]{4}/[0-9]{2}/[^/]+\.[A-Za-z0-9]{2,5})$", views.file),
]
