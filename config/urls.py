"""The URLs of the whole site. Those of pages come last, because a page can have any path that is free."""

from django.contrib import admin
from django.contrib.sitemaps.views import index, sitemap
from django.urls import URLPattern, URLResolver, include, path, re_path

from blog.admin.profiles import change_own
from blog.caching import public_page
from blog.editing.editor import preview
from blog.editing.link_search import links
from blog.review.unsubscribing import unsubscribe
from blog.secret_pages import broken_link
from blog.sitemaps import CategorySitemap, OverviewSitemap, PageSitemap, PostSitemap, at_site_url, news
from config.static import missing_file
from tags.sitemaps import TagSitemap

SITEMAPS = {
    "sitemaps": {
        "posts": PostSitemap,
        "pages": PageSitemap,
        "categories": CategorySitemap,
        "tags": TagSitemap,
        "overviews": OverviewSitemap,
    },
}

ADMIN: list[URLPattern | URLResolver] = [
    # The URLs of markdownx itself are never included, because they let anyone upload active content.
    path("markdownx/preview/", preview, name="markdownx_markdownify"),
    path("editor/links/", links, name="editor_links"),
    path("review/unsubscribe/<str:token>/", unsubscribe, name="review_unsubscribe"),
    re_path("^review/unsubscribe/(?:.*/)?$", broken_link),
    path("profile/", admin.site.admin_view(change_own), name="own_profile"),
    path("", include("accounts.urls")),
    path("", include("operations.urls")),
    path("", admin.site.urls),
]

urlpatterns = [
    path("static/<path:path>", missing_file),
    path("", include("media.urls")),
    path("admin/", include(ADMIN)),
    path("sitemap.xml", public_page(at_site_url(index)), SITEMAPS, name="sitemap"),
    # Not a public page, because it depends on the time.
    path("sitemap-news.xml", at_site_url(news), name="news_sitemap"),
    path(
        "sitemap-<section>.xml",
        public_page(at_site_url(sitemap)),
        SITEMAPS,
        name="django.contrib.sitemaps.views.sitemap",
    ),
    path("", include("wordpress.legacy_urls.urls")),
    path("", include("search.urls")),
    path("", include("newsletter.urls")),
    path("", include("tags.urls")),
    path("", include("comments.urls")),
    path("", include("blog.urls")),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
