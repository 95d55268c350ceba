"""The URLs of uploads."""

from django.urls import path

from media import picker, views

urlpatterns = [
    path("admin/markdownx/upload/", views.markdownx_upload, name="markdownx_upload"),
    path("admin/editor/media/", picker.picker, name="editor_media"),
    path("admin/media/upload/", views.upload, name="media_upload"),
    path("media/<path:path>", views.media, name="media"),
]
