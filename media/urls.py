"""The URLs of uploads."""

from django.urls import path, re_path

from media import editor, views

urlpatterns = [
    path("admin/markdownx/upload/", views.markdownx_upload, name="markdownx_upload"),
    path("admin/editor/media/", editor.picker, name="editor_media"),
    path("admin/media/upload/", views.upload, name="media_upload"),
    # A page may be at `/media/`, with its feeds and child pages below it. The URLs of files never end with a slash.
    re_path("^(?!.*/$)media/(?P<path>.+)$", views.media, name="media"),
]
