"""The list of comments, the form for one, and the log of decisions (comments.moderation.decisions)."""

import datetime as dt
import uuid
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any, Final, cast
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.template.loader import get_template
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import localdate, localtime
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.models import User
from comments.models import Comment, CommentSettings, CommentStatus, Decision
from comments.moderation import decisions, deletion, searching
from comments.moderation.actions import ACTIONS, UNDO_MESSAGES, Lazy, latest_changes, read_seen, result_message
from comments.moderation.decisions import OUT_OF_SIGHT, DecisionResult, Seen
from core.admin import BaseAdmin, ReadOnlyAdmin
from core.admin_routes import route
from core.change_list import FilterChangeList, IdPaginator, Tab
from core.date_filter import DateFilter
from core.dates import format_datetime, format_day_for_staff, time_since
from core.kind_messages import KindMessages
from core.site import absolute_url
from core.word_search import split_words

_MAX_SEARCHED_WORDS: Final = 8


def _bulk_action(name: str) -> Callable[..., None]:
    @admin.action(permissions=["moderate"], description=ACTIONS[name].description)
    def act(model_admin: "CommentAdmin", request: HttpRequest, comments: QuerySet[Comment]) -> None:
        model_admin.decide(request, name, _only_ids(comments))

    act.__name__ = f"{name}_selected"
    return act


def _only_ids(comments: QuerySet[Comment]) -> Iterator[Comment]:
    """Load only the IDs of the selected comments, which may be all that there are, and keep none of them in memory."""
    return comments.select_related(None).only("pk").iterator()


class CommentChangeList(FilterChangeList):
    """The list of comments, with a tab for each status."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        counts = dict(Comment.objects.order_by().values_list("status").annotate(count=Count("*")))
        chosen = self.params.get("status__exact")
        self.tabs = [Tab(pgettext("comments", "All"), "?", chosen is None, sum(counts.values()))] + [
            Tab(str(status.label), f"?status__exact={status}", chosen == status, counts.get(status, 0))
            for status in (CommentStatus.PENDING, CommentStatus.APPROVED, CommentStatus.SPAM, CommentStatus.TRASH)
        ]


class SubmissionFilter(DateFilter):
    field = "created_at"

    def in_order(self, model_admin: Any) -> QuerySet[Any]:
        return Comment.objects.order_by("created_at", "pk")


class DecisionFilter(DateFilter):
    field = "made_at"

    def in_order(self, model_admin: Any) -> QuerySet[Any]:
        return Decision.objects.order_by("pk")


class CommentAdminForm(forms.ModelForm[Comment]):
    """The fields that readers fill in. Refuses once to save if someone has changed the comment since it was opened."""

    def clean(self) -> dict[str, Any] | None:
        # It stays locked until it is saved, because the admin saves in one transaction.
        stored = Comment.objects.select_for_update(no_key=True).filter(pk=self.instance.pk).first()
        if stored is None:
            raise ValidationError(_("This comment has been deleted. Copy your text if you want to keep it."))
        if read_seen(cast("QueryDict", self.data)).get(stored.pk, stored.mark) != stored.mark:
            message = gettext("%(change)s Your changes are not saved yet. Save again to overwrite this text: %(text)s")
            raise ValidationError(message % {"change": latest_changes([stored.pk])[stored.pk], "text": stored.text})
        return super().clean()


@admin.register(Comment)
class CommentAdmin(BaseAdmin[Comment]):
    form = CommentAdminForm
    kind_messages = KindMessages(
        edit=_("Edit comment"),
        empty=_("No comments yet."),
        view=_("View comment"),
        saved=_("Comment “{object}” saved."),
    )
    actions = [_bulk_action(name) for name in ACTIONS]
    list_display = ("excerpt", "author", "entry_link", "status_label", "age")
    list_filter = ("kind", SubmissionFilter)
    # Shows the field to search in.
    search_fields = ("text",)
    ordering = ("-created_at", "-pk")
    list_per_page = 50
    paginator = IdPaginator
    show_full_result_count = False
    fieldsets = (
        (None, {"fields": ("text", "name", "email", "website")}),
        (_("Details"), {"fields": ("status_and_deletion", "entry_link", "url", "kind", "parent", "user", "submitted")}),
        (_("Decisions"), {"fields": ("rule_results", "history")}),
    )
    readonly_fields = (
        "status_and_deletion", "entry_link", "url", "kind", "parent", "user", "submitted", "rule_results", "history"
    )  # fmt: skip

    def has_add_permission(self, request: HttpRequest) -> bool:
        # Comments are written on the site.
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Comment | None = None) -> bool:
        return cast("User", request.user).is_superuser

    def has_moderate_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("comments.moderate_comment")

    def decide(self, request: HttpRequest, name: str, comments: Iterable[Comment], seen: Seen | None = None) -> None:
        """Carry out a decision and show its result. `seen` is what the moderator saw, by default from the form."""
        if not self.has_moderate_permission(request):
            raise PermissionDenied
        action = ACTIONS[name]
        seen = read_seen(request.POST) if seen is None else seen
        result = action.decide(comments, cast("User", request.user), seen)
        self._show_result(request, result, action.changed, action.unchanged)

    def _show_result(self, request: HttpRequest, result: DecisionResult, changed: Lazy, unchanged: Lazy) -> None:
        message = result_message(result, changed, unchanged)
        if result.changed:
            self.report_done(request, message, self.with_filters(request, self._url("undo", result.batch)))
        else:
            self.message_user(request, message, messages.WARNING)

    def get_urls(self) -> list[URLPattern]:
        decide = self.admin_site.admin_view(require_POST(self.decide_view))
        return [
            *(path(f"<int:pk>/{name}/", decide, {"name": name}, name=f"comments_comment_{name}") for name in ACTIONS),
            *super().get_urls(),
        ]

    def decide_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Handle the buttons of one row of the list."""
        self.decide(request, name, [get_object_or_404(Comment, pk=pk)])
        return self.redirect_to_list(request)

    @route("undo/<uuid:batch>/", "undo", require_POST, permission="moderate")
    def undo_view(self, request: HttpRequest, batch: uuid.UUID) -> HttpResponse:
        self._show_result(request, decisions.undo(batch, cast("User", request.user)), *UNDO_MESSAGES)
        return self.redirect_to_list(request)

    def get_preserved_filters(self, request: HttpRequest) -> str:
        """Return the filters of the list, or the position in the moderation queue if the user came from there."""
        position = request.GET.get("queue")
        return urlencode({"queue": position}) if position else super().get_preserved_filters(request)

    def redirect_to_list(self, request: HttpRequest) -> HttpResponseRedirect:
        """Redirect to the list with the filters that it had, or to where the user was in the moderation queue."""
        if position := request.GET.get("queue"):
            return HttpResponseRedirect(f"{reverse('admin:comments_queue_changelist')}?{position}")
        return super().redirect_to_list(request)

    def response_post_save_change(self, request: HttpRequest, obj: Comment) -> HttpResponseRedirect:
        return self.redirect_to_list(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Comment]:
        return Comment.objects.with_entries().select_related("user")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Comment], search_term: str) -> Any:
        words = split_words(search_term)[:_MAX_SEARCHED_WORDS]
        return queryset.filter(pk__in=searching.find(words, queryset)) if words else queryset, False

    def get_list_display(self, request: HttpRequest) -> Any:
        if not self.has_moderate_permission(request):
            return self.list_display
        template = get_template("admin/comments/comment/_buttons.html")
        filters = self.get_preserved_filters(request)
        context = {"actions": ACTIONS, "preserved_filters": filters, "opts": self.opts}

        @admin.display(description=_("Decide"))
        def buttons(comment: Comment) -> str:
            return template.render({"comment": comment, **context})

        return (*self.list_display, buttons)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CommentChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {**(extra_context or {}), "title": gettext("All comments")})

    @admin.display(description=_("comment"))
    def excerpt(self, comment: Comment) -> SafeString:
        text = Truncator(comment.text).chars(160) or gettext("(no text)")
        seen = format_html('<input type="hidden" name="seen" value="{}:{}">', comment.pk, comment.mark)
        return format_html("<bdi>{}</bdi>{}", text, seen)

    @admin.display(description=_("author"))
    def author(self, comment: Comment) -> SafeString:
        return format_html("<bdi>{}</bdi><br>{}", comment.author_name, comment.email)

    @admin.display(description=_("post or page"))
    def entry_link(self, comment: Comment) -> SafeString:
        title = Truncator(comment.entry).chars(80)
        return format_html('<a href="{}"><bdi>{}</bdi></a>', comment.get_absolute_url(), title)

    @admin.display(description=_("status"), ordering="status")
    def status_label(self, comment: Comment) -> SafeString:
        return format_html('<span class="state {}">{}</span>', comment.status, comment.get_status_display())

    @admin.display(description=_("status"))
    def status_and_deletion(self, comment: Comment) -> SafeString:
        label = self.status_label(comment)
        if comment.status not in OUT_OF_SIGHT:
            return label
        day = localdate(comment.status_since + dt.timedelta(days=CommentSettings.current().keep_spam_days))
        text = gettext("It will be deleted after %(day)s. If you need it as evidence, print this page first.")
        return format_html("{}<p>{}</p>", label, text % {"day": format_day_for_staff(day)})

    @admin.display(description=_("URL"))
    def url(self, comment: Comment) -> SafeString:
        return format_html("<bdi>{}</bdi>", absolute_url(comment.get_absolute_url()))

    @admin.display(description=_("submitted"))
    def submitted(self, comment: Comment) -> SafeString:
        time = localtime(comment.created_at)
        return format_html("{} (<bdi>{}</bdi>)", date_format(time, "DATETIME_FORMAT"), f"{time:UTC%:z}")

    @admin.display(description=_("age"), ordering="created_at")
    def age(self, comment: Comment) -> SafeString:
        time = comment.created_at
        return format_html('<time datetime="{}">{}</time>', time.isoformat(timespec="seconds"), time_since(time))

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        stored = context["original"]
        if request.method == "POST":
            # `original` contains what was typed.
            stored = Comment.objects.filter(pk=stored.pk).first()
        return super().render_change_form(request, {**context, "stored": stored, "actions": ACTIONS}, *args, **kwargs)

    @admin.display(description=_("results of the rules"))
    def rule_results(self, comment: Comment) -> SafeString | str:
        items = format_html_join("", "<li>{}</li>", ((reason["message"],) for reason in comment.reasons))
        return format_html("<ul>{}</ul>", items) if items else gettext("None.")

    @admin.display(description=_("decisions"))
    def history(self, comment: Comment) -> SafeString | str:
        deleted, author = gettext("a deleted account"), gettext("its author")
        text = gettext("changed the text, which was: %(text)s")
        decided = comment.decisions.select_related("moderator")
        revised = comment.revisions.select_related("by")
        events = [(each.made_at, each.moderator or deleted, str(each)) for each in decided]
        events += [(each.replaced_at, each.by or author, text % {"text": each.text}) for each in revised]
        events.sort(key=itemgetter(0), reverse=True)
        rows = ((format_datetime(time), who, what) for time, who, what in events)
        items = format_html_join("", "<li>{} – {}: {}</li>", rows)
        return format_html("<ul>{}</ul>", items) if items else gettext("No decisions yet.")

    def save_model(self, request: HttpRequest, obj: Comment, form: Any, change: bool) -> None:
        # Not the status, because someone may be deciding about it right now.
        values = {field: form.cleaned_data[field] for field in form.changed_data}
        decisions.edit(obj, values, cast("User", request.user))

    def response_change(self, request: HttpRequest, obj: Comment) -> HttpResponse:
        """Carry out a decision after saving if its button was clicked."""
        for name in ACTIONS:
            if f"_{name}" in request.POST:
                # The form has compared it with what was seen, and locked it.
                self.decide(request, name, [obj], seen={})
                if request.GET.get("queue"):
                    return self.redirect_to_list(request)
                return HttpResponseRedirect(request.get_full_path())
        return super().response_change(request, obj)

    def delete_model(self, request: HttpRequest, obj: Comment) -> None:
        deletion.delete([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Comment]) -> None:
        deletion.delete(_only_ids(queryset))


@admin.register(Decision)
class DecisionAdmin(ReadOnlyAdmin):
    list_display = ("made_at", "moderator", "__str__", "comment_link")
    list_display_links = None
    actions = None
    list_filter = (("moderator", admin.RelatedOnlyFieldListFilter), "became", DecisionFilter)
    list_select_related = ("moderator", "comment__user")
    # The latest first. Their IDs are in the order in which they were made, so none have to be sorted.
    ordering = ("-pk",)
    list_per_page = 100
    show_full_result_count = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("comments.moderate_comment")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Needed to delete its comment or post. The list itself has no delete action.
        return cast("User", request.user).is_superuser

    @admin.display(description=_("comment"))
    def comment_link(self, decision: Decision) -> SafeString:
        url = reverse("admin:comments_comment_change", args=[decision.comment_id])
        # The log does not store the name, so erasing a person erases it here too.
        return format_html('<a href="{}">{}: <bdi>{}</bdi></a>', url, decision.comment, decision.comment.author_name)
