"""The addresses of uploads. The editor finds its own by the name that its script knows."""

from django.urls import path

from library import views

urlpatterns = [
    path("admin/markdownx/upload/", views.markdownx_upload, name="markdownx_upload"),
    path("media/<path:path>", views.media, name="media"),
]
