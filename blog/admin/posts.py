"""Posts in the admin."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from blog.admin.entries import EntryAdmin
from blog.admin.filters import CategoryFilter, LanguageFilter, StatusFilter
from blog.admin.forms import PostForm
from blog.models import Post
from blog.permissions import edits_others, may_edit, may_publish


@admin.register(Post)
class PostAdmin(EntryAdmin):
    form = PostForm
    date_hierarchy = "published_at"
    list_display = ("named", "author", "state", "published_at", "comment_count", "on_site")
    list_filter = (StatusFilter, CategoryFilter, ("author", admin.RelatedOnlyFieldListFilter), LanguageFilter)
    search_fields = ("title", "slug")
    readonly_fields = ("written_in", "modified_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        posts = super().get_queryset(request)
        return posts if edits_others(request.user) else posts.filter(author_id=request.user.pk)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        if search_term:
            tagged = Post.tags.through._default_manager.filter(tag__name__icontains=search_term.strip())
            found = found | queryset.filter(Q(pk__in=tagged.values("content_object")))
        return found, may_have_duplicates

    def get_fieldsets(self, request: HttpRequest, obj: Post | None = None) -> Any:
        """What this person may set. Readers see what they write only once somebody published it."""
        user = request.user
        editable = obj is None or may_edit(user, obj)
        # What only shows, shows the moment to everybody.
        publishing = ["status", "published_at"] if may_publish(user) or not editable else ["status"]
        details = ["slug", "excerpt", "featured_picture", "language", "comments_open"]
        if edits_others(user):
            details += ["sticky", "author"]
        writing = ["title", "source"]
        if obj is not None:
            details += ["written_in", "modified_at"]
            writing += ["version"] if editable else []
        return [
            (None, {"fields": writing, "classes": ["writing"]}),
            (_("Filed under"), {"fields": ["categories", "tags"]}),
            (_("Publishing"), {"fields": publishing}),
            (_("Details"), {"fields": details}),
        ]
