"""The URLs for following the blog by e-mail. A topic's URL ends like the URL of its page."""

from django.urls import include, path, re_path

from blog.secret_pages import broken_link

# It also registers the converters.
from blog.urls import Patterns
from newsletter import views, webhooks

app_name = "newsletter"

_topics_and_links = [
    path("", views.follow, name="follow"),
    path("category/<tree_path:key>/", views.follow, {"kind": "category"}, name="follow_category"),
    path("tag/<any_slug:key>/", views.follow, {"kind": "tag"}, name="follow_tag"),
    path("author/<any_slug:key>/", views.follow, {"kind": "author"}, name="follow_author"),
    path("language/<any_slug:key>/", views.follow, {"kind": "language"}, name="follow_language"),
    path("confirm/<str:signed>/", views.confirm, name="confirm"),
    path("manage/<str:token>/", views.manage, name="manage"),
    path("manage/<str:token>/saved/", views.manage, {"is_saved": True}, name="managed"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
    re_path("^(?:confirm|manage|unsubscribe)/(?:.*/)?$", broken_link),
]

urlpatterns: Patterns = [path("follow-by-email/", include(_topics_and_links))]

if webhooks.is_on():
    urlpatterns.append(path("follow-by-email/bounces/", webhooks.receive, name="bounces"))
