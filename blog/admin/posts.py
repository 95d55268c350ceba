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
from blog.permissions import Anyone, edits_others


@admin.register(Post)
class PostAdmin(EntryAdmin):
    form = PostForm
    own_fieldset = (_("Categories and tags"), ["categories", "tags"])
    date_hierarchy = "published_at"
    list_display = ("title_or_placeholder", "author", "status_label", "published_at", "comment_count", "on_site")
    list_filter = (StatusFilter, CategoryFilter, ("author", admin.RelatedOnlyFieldListFilter), LanguageFilter)
    search_fields = ("title", "slug")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        posts = super().get_queryset(request)
        return posts if edits_others(request.user) else posts.filter(author_id=request.user.pk)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Search the tags as well."""
        found, may_have_duplicates = super().get_search_results(request, queryset, search_term)
        if search_term:
            tagged = Post.tags.through._default_manager.filter(tag__name__icontains=search_term.strip())
            found = found | queryset.filter(Q(pk__in=tagged.values("content_object")))
        return found, may_have_duplicates

    def get_editor_fields(self, user: Anyone) -> list[str]:
        return ["sticky", "author"] if edits_others(user) else []
