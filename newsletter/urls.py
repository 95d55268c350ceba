"""The URLs for following the blog by e-mail. A topic's URL ends like the URL of its page."""

from django.urls import path, re_path

from blog import urls as _blog_urls  # noqa: F401  # it registers the converters
from blog.secret_pages import broken_link
from newsletter import views, webhooks

app_name = "newsletter"

urlpatterns = [
    path("follow-by-email/", views.follow, name="follow"),
    path("follow-by-email/category/<tree_path:key>/", views.follow, {"kind": "category"}, name="follow_category"),
    path("follow-by-email/tag/<any_slug:key>/", views.follow, {"kind": "tag"}, name="follow_tag"),
    path("follow-by-email/author/<any_slug:key>/", views.follow, {"kind": "author"}, name="follow_author"),
    path("follow-by-email/language/<any_slug:key>/", views.follow, {"kind": "language"}, name="follow_language"),
    path("follow-by-email/confirm/<str:signed>/", views.confirm, name="confirm"),
    path("follow-by-email/manage/<str:token>/", views.manage, name="manage"),
    path("follow-by-email/manage/<str:token>/saved/", views.manage, {"is_saved": True}, name="managed"),
    path("follow-by-email/unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
    re_path("^follow-by-email/(?:confirm|manage|unsubscribe)/(?:.*/)?$", broken_link),
]

if webhooks.is_on():
    urlpatterns.append(path("follow-by-email/bounces/", webhooks.receive, name="bounces"))
