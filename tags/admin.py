"""Tags in the admin, and suggestions while someone enters the tags of a post."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Count, IntegerField, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from taggit.models import Tag as TaggitTag

from core.admin import BaseAdmin
from tags.models import Tag, TagAlias, TaggedPost, tag_key

# django-taggit registers a tag model of its own, which we don't use.
admin.site.unregister(TaggitTag)


class TagAliasInline(admin.StackedInline[TagAlias, Tag]):
    model = TagAlias
    extra = 0
    verbose_name = _("former slug")
    verbose_name_plural = _("Former slugs (redirect here)")


@admin.register(Tag)
class TagAdmin(BaseAdmin[Tag]):
    list_display = ("name", "slug", "post_count")
    search_fields = ("key", "slug")
    fields = ("name", "slug", "description")
    inlines = (TagAliasInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        # In a subquery: with a join, the whole table would be grouped before it is filtered.
        rows = TaggedPost.objects.filter(tag=OuterRef("pk")).order_by().values("tag")
        count = Subquery(rows.annotate(count=Count("pk")).values("count"), output_field=IntegerField())
        return super().get_queryset(request).annotate(post_count=Coalesce(count, 0))

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Tag], search_term: str) -> Any:
        # The key is the same for all spellings of a name.
        return super().get_search_results(request, queryset, tag_key(search_term))

    @admin.display(description=_("posts (including drafts)"), ordering="post_count")
    def post_count(self, tag: Any) -> int:
        return tag.post_count  # type: ignore[no-any-return]  # annotated in get_queryset

    def view_on_site(self, obj: Tag) -> str:
        return obj.get_absolute_url()

    def get_urls(self) -> list[URLPattern]:
        suggest = self.admin_site.admin_view(require_safe(self.suggest))
        return [path("suggest/", suggest, name="tags_tag_suggest"), *super().get_urls()]

    def suggest(self, request: HttpRequest) -> JsonResponse:
        """Return up to ten names of tags that contain `?q=`: first those that start with it, then the most used."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        typed = tag_key(request.GET.get("q", "")[:200])
        if not typed:
            return JsonResponse({"names": []})
        starts = Case(When(key__startswith=typed, then=Value(0)), default=Value(1))
        found: QuerySet[Any] = self.get_queryset(request).filter(key__contains=typed)
        names = found.order_by(starts, "-post_count", "name").values_list("name", flat=True)
        return JsonResponse({"names": list(names[:10])})
