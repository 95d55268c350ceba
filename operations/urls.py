"""The URLs of operations, all within the admin."""

from django.contrib import admin
from django.urls import path

from operations import views

urlpatterns = [
    path("tasks/retry/", admin.site.admin_view(views.retry_tasks), name="tasks_retry"),
    path("tasks/dismiss/", admin.site.admin_view(views.dismiss_tasks), name="tasks_dismiss"),
]
