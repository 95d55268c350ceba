"""Tags in the admin, and the suggestions for whoever types tags into a post."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Case, Count, IntegerField, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe
from taggit.models import Tag as TaggitTag

from tags.models import Tag, TagAlias, TaggedPost, tag_key

# django-taggit shows its own tags, which nothing here uses.
admin.site.unregister(TaggitTag)

MOST_SUGGESTIONS = 10


def _with_number_of_posts(tags: QuerySet[Any]) -> QuerySet[Any]:
    # Counted apart: joined, the whole table would be grouped before it is narrowed.
    rows = TaggedPost.objects.filter(tag=OuterRef("pk")).order_by().values("tag")
    number = Subquery(rows.annotate(number=Count("pk")).values("number"), output_field=IntegerField())
    return tags.annotate(number_of_posts=Coalesce(number, 0))  # type: ignore[no-any-return]  # annotated, it is untyped to the stubs


class TagAliasInline(admin.StackedInline[TagAlias, Tag]):
    model = TagAlias
    extra = 0
    verbose_name = _("old address")
    verbose_name_plural = _("old addresses, which lead here")


@admin.register(Tag)
class TagAdmin(admin.ModelAdmin[Tag]):
    list_display = ("name", "slug", "number_of_posts")
    search_fields = ("key", "slug")
    fields = ("name", "slug", "description")
    inlines = (TagAliasInline,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        return _with_number_of_posts(super().get_queryset(request))

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Tag], search_term: str) -> Any:
        # Keys have one form for all ways to write a name.
        return super().get_search_results(request, queryset, tag_key(search_term))

    @admin.display(description=_("posts, drafts too"), ordering="number_of_posts")
    def number_of_posts(self, tag: Any) -> int:
        return tag.number_of_posts  # type: ignore[no-any-return]  # counted with the list

    def view_on_site(self, obj: Tag) -> str:
        return obj.get_absolute_url()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Tag]) -> None:
        # One by one: `delete` tells the cache of it.
        with transaction.atomic():
            for tag in queryset:
                tag.delete()

    def get_urls(self) -> list[URLPattern]:
        suggest = self.admin_site.admin_view(require_safe(self.suggest))
        return [path("suggest/", suggest, name="tags_tag_suggest"), *super().get_urls()]

    def suggest(self, request: HttpRequest) -> JsonResponse:
        """Names of tags that hold what was typed (`?q=`): those that start with it first, then the most used."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        typed = tag_key(request.GET.get("q", "")[:200])
        if not typed:
            return JsonResponse({"names": []})
        starts = Case(When(key__startswith=typed, then=Value(0)), default=Value(1))
        found = _with_number_of_posts(Tag.objects.filter(key__contains=typed))
        names = found.order_by(starts, "-number_of_posts", "name").values_list("name", flat=True)
        return JsonResponse({"names": list(names[:MOST_SUGGESTIONS])})
