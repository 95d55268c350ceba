"""The list and the form of tags, and suggestions while someone enters the tags of a post."""

from dataclasses import asdict
from typing import Any, Final

from django.contrib import admin
from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, JsonResponse
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from taggit.models import Tag as TaggitTag

from core.admin_routes import route
from core.change_list import IdPaginator
from core.dates import format_day_for_staff
from core.kind_messages import KindMessages
from core.text import parse_ids
from core.versioned_rows import VersionedInline
from tags import suggestions
from tags.admin.curation import TagCurationAdmin
from tags.models import Tag, TagAlias, TaggedPost
from tags.seen import seen_rows, seen_tags
from tags.twins import twin_condition

# How many aliases can be added at once.
_MAX_ADDED: Final = 50

# django-taggit registers a tag model of its own, which we don't use.
admin.site.unregister(TaggitTag)


class UseFilter(admin.SimpleListFilter):
    """Filters tags by how often they are used."""

    title = _("use")
    parameter_name = "use"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("unused", _("Unused")), ("once", _("Used once")), ("twins", _("With possible duplicates"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "unused":
                # A join would read all assignments, and sort all unused tags.
                return queryset.filter(~Exists(TaggedPost.objects.filter(tag=OuterRef("pk"))))
            case "once":
                return queryset.filter(post_count=1)
            case "twins":
                return queryset.filter(twin_condition())
        return queryset


class TagAliasInline(VersionedInline[TagAlias, Tag]):
    model = TagAlias
    fields = ("slug",)
    extra = 1
    verbose_name = _("former slug")
    verbose_name_plural = _("Former slugs (redirect here)")

    def get_formset(self, request: HttpRequest, obj: Tag | None = None, **kwargs: Any) -> Any:
        """Return the formset for all stored aliases and some more. Django's limit would take seconds to process."""
        limit = _MAX_ADDED + (obj.aliases.count() if obj else 0)
        return super().get_formset(request, obj, max_num=limit, absolute_max=limit, **kwargs)


@admin.register(Tag)
class TagAdmin(TagCurationAdmin):
    kind_messages = KindMessages(
        add=_("Add tag"),
        empty=_("No tags yet. Tags that are added to posts are listed here too."),
        edit=_("Edit tag"),
        view=_("View tag"),
        added=_("Tag “{object}” added."),
        saved=_("Tag “{object}” saved."),
    )
    list_display = ("tag_name", "slug", "post_count", "first_used", "last_used")
    # As in the index of tags that readers see, and by the same database index.
    ordering = ("initial", "sort_key", "pk")
    list_filter = (UseFilter,)
    # Only names the field; get_search_results searches.
    search_fields = ("search_key",)
    fields = ("name", "slug", "description")
    inlines = (TagAliasInline,)
    show_full_result_count = False
    paginator = IdPaginator

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        tags: QuerySet[Tag] = seen_tags(request.user).with_use(seen_rows(request.user))
        return tags

    def wait_for_others(self, request: HttpRequest, object_id: str) -> None:
        """Wait also for those who rename, merge or delete the tag (tags.curation): they lock it."""
        super().wait_for_others(request, object_id)
        if request.method == "POST" and connection.in_atomic_block:
            Tag.objects.locked(parse_ids([object_id]))

    def get_form(self, request: HttpRequest, obj: Tag | None = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None:
            # The help text says what to enter, but the slug is read-only here.
            kwargs["help_texts"] = {"slug": ""}
        return super().get_form(request, obj, change=change, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Tag | None = None) -> tuple[str, ...]:
        # The page for renaming shows the consequences first.
        return () if obj is None else ("name", "slug")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        return queryset.matching(search_term), False  # type: ignore[attr-defined]  # a TagQuerySet

    @admin.display(description=_("name"), ordering="sort_key")
    def tag_name(self, tag: Any) -> str:
        return str(tag.name)

    @admin.display(description=_("first used"), ordering="first_used")
    def first_used(self, tag: Any) -> Any:
        return tag.first_used and format_day_for_staff(localtime(tag.first_used))

    @admin.display(description=_("last used"), ordering="last_used")
    def last_used(self, tag: Any) -> Any:
        return tag.last_used and format_day_for_staff(localtime(tag.last_used))

    @route("suggest/", "suggest", permission="view")
    def suggest(self, request: HttpRequest) -> JsonResponse:
        """Return existing tags that match `?q=`, or that occur in the `text` of a POST, which is too long for a URL.

        Each has a `name`, the `count` of its posts, and the `former` name that matched, if it was one.
        """
        if request.method == "POST":
            found = suggestions.in_text(request.POST.get("text", ""), request.user)
        else:
            found = suggestions.matching(request.GET.get("q", "")[:200], request.user)
        return JsonResponse({"tags": [asdict(tag) for tag in found]})
