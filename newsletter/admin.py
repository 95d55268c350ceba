"""The newsletter in the admin: its settings and statistics, import and export. Addresses are not shown."""

from typing import Any, Final, cast

from django import forms
from django.contrib import admin
from django.contrib import messages as django_messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from accounts.actions import Action
from accounts.audit.recording import record
from accounts.confirmation import confirmation_required
from accounts.models import User
from blog.admin.site_time import zone_sentence
from blog.models import Entry
from core.admin import OneRowAdmin, ReadOnlyAdmin
from core.admin_routes import route
from core.kind_messages import KindMessages
from core.languages import separator
from core.navigation import NavigationItem
from mail import messages
from newsletter import issues, transfer
from newsletter.models import Frequency, Issue, NewsletterSettings, Subscriber, Subscription, SubscriptionRequest
from newsletter.models.subscriptions import ALL_POSTS, CONFIRM_IMPORTED_WITHIN

# The lines that an import leaves out, with their count.
_KNOWN: Final = _("Already following, already asked, or with an address that doesn't work: %(n)d")
_LEFT: Final = _("No longer subscribed, according to the file: %(n)d")
_INVALID: Final = _("Lines without a valid e-mail address: %(n)d")

NAVIGATION: Final = {
    "newsletter": NavigationItem.of_list(
        "newsletter.issue", _("Newsletter"), permissions=("newsletter.view_issue",), order=40
    ),
    "newsletter-settings": NavigationItem.of_list(
        "newsletter.newslettersettings", _("Newsletter settings"), order=122, parent="settings"
    ),
}


@admin.register(NewsletterSettings)
class NewsletterSettingsAdmin(OneRowAdmin):
    fields = ("is_on", "hour", "weekday")

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        response = super().response_change(request, obj)
        if obj.is_on and not obj.is_available:
            problem = gettext("No mail server is set up, so nothing is sent. Set EMAIL_URL.")
            self.message_user(request, problem, django_messages.WARNING)
        return response


class ImportForm(forms.Form):
    """A file of addresses, and when these people agreed to e-mails, according to the owner of the site."""

    file = forms.FileField(
        label=_("File (CSV)"),
        help_text=_("Only e-mail addresses are read. Those that the file marks as unsubscribed are left out."),
    )
    stated_on = forms.DateField(
        label=_("Date on which these people agreed to get the blog by e-mail"),
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=_("If they agreed on different days, enter the last one. The e-mail mentions this date."),
    )
    frequency = forms.ChoiceField(label=_("How often"), choices=Frequency.choices)

    def clean_file(self) -> transfer.Addresses:
        file = self.cleaned_data["file"]
        if (file.size or 0) > transfer.MAX_SIZE:
            raise ValidationError(_("The file is too large. Split it into several."))
        try:
            return transfer.read(file.read())
        except transfer.UnreadableFileError as error:
            raise ValidationError(str(error)) from error

    def clean_stated_on(self) -> Any:
        day = self.cleaned_data["stated_on"]
        if day > timezone.localdate():
            raise ValidationError(gettext("Enter today or an earlier day."))
        return day


@admin.register(Issue)
class IssueAdmin(ReadOnlyAdmin):
    """The list of issues, which have no pages of their own."""

    change_list_template = "admin/newsletter/issues.html"
    kind_messages = KindMessages(empty=_("No posts have been sent by e-mail yet."))
    list_display = ("created_at", "frequency", "posts", "sent_count", "waiting")
    list_display_links = None
    list_filter = ("frequency",)
    list_per_page = 50
    show_full_result_count = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return obj is None and super().has_view_permission(request)

    def has_transfer_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("newsletter.transfer_subscribers")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Issue]:
        unsent = Count("deliveries", filter=Q(deliveries__sent_at=None))
        entries = Prefetch("entries", Entry.objects.without_texts())
        issues: QuerySet[Issue] = super().get_queryset(request).prefetch_related(entries).annotate(unsent=unsent)
        return issues

    @admin.display(description=_("posts"))
    def posts(self, issue: Issue) -> str:
        return format_html_join(separator(), "<bdi>{}</bdi>", ((entry,) for entry in issue.entries.all()))

    @admin.display(description=_("left to send"))
    def waiting(self, issue: Any) -> int:
        return int(issue.unsent)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        own = {"title": gettext("Newsletter"), **_statistics(), "may_transfer": self.has_transfer_permission(request)}
        return super().changelist_view(request, {**(extra_context or {}), **own})

    @route("import/", "import", permission="transfer")
    def import_view(self, request: HttpRequest) -> HttpResponse:
        """Import a file of addresses, and ask their owners whether they want to keep following the blog."""
        if not NewsletterSettings.current().is_available:
            # Requests that can't be sent are deleted, so these people would never be asked.
            problem = gettext(
                "Readers can't follow by e-mail at the moment. Turn that on in the newsletter settings, and set up a "
                "mail server. Then import the file."
            )
            self.message_user(request, problem, django_messages.ERROR)
            return redirect("admin:newsletter_issue_changelist")
        posted = request.method == "POST"
        form = ImportForm(request.POST if posted else None, request.FILES if posted else None)
        if form.is_valid():
            values = form.cleaned_data
            found = values["file"]
            count = transfer.invite(found.addresses, values["frequency"], values["stated_on"])
            record(Action.IMPORTED, [Subscriber()], by=cast("User", request.user), details=_counted(count))
            self.message_user(request, _counted(count), django_messages.SUCCESS)
            others = len(found.addresses) - count
            for number, text in (
                (others, _KNOWN),
                (found.left_count, _LEFT),
                (found.invalid_count, _INVALID),
            ):
                if number:
                    self.message_user(request, text % {"n": number}, django_messages.INFO)
            return redirect("admin:newsletter_issue_changelist")
        return self.own_page(
            request,
            "admin/newsletter/import.html",
            _("Import subscribers"),
            status_code=400 if posted else 200,
            form=form,
            days=CONFIRM_IMPORTED_WITHIN.days,
        )

    @route("export/", "export", confirmation_required, require_POST, permission="transfer")
    def export_view(self, request: HttpRequest) -> StreamingHttpResponse:
        """Export all subscriptions as a file."""
        record(Action.DISCLOSED, [Subscriber()], by=cast("User", request.user))
        headers = {"Content-Disposition": 'attachment; filename="subscribers.csv"'}
        return StreamingHttpResponse(transfer.export(), content_type="text/csv; charset=utf-8", headers=headers)


def _counted(count: int) -> str:
    text = ngettext("%(n)d person will be asked by e-mail.", "%(n)d people will be asked by e-mail.", count)
    return text % {"n": count}


def _statistics() -> dict[str, Any]:
    """Return how many people follow the blog, by topic and frequency, and when they get e-mails next."""
    topics = {
        "to_all_posts": (_("All posts"), Count("pk", filter=ALL_POSTS)),
        "to_category": (_("A category"), Count("category")),
        "to_tag": (_("A tag"), Count("tag")),
        "to_author": (_("An author"), Count("author")),
        "to_language": (_("A language"), Count("pk", filter=~Q(language=""))),
    }
    followed = Subscription.objects.filter(subscriber__suppression="").order_by().values("frequency")
    rows: Any = followed.annotate(**{name: count for name, (_label, count) in topics.items()})
    counts: dict[str, dict[str, int]] = {row["frequency"]: row for row in rows}
    table = [
        (label, [counts.get(frequency, {}).get(name, 0) for frequency in Frequency])
        for name, (label, _count) in topics.items()
    ]
    subscribers = Subscriber.objects.aggregate(
        active=Count("pk", filter=Q(suppression="")), suppressed=Count("pk", filter=~Q(suppression=""))
    )
    settings = NewsletterSettings.current()
    times = issues.next_times(settings)
    next_times = [times.get(frequency) if frequency in counts else None for frequency in Frequency]
    return {
        "newsletter_is_on": settings.is_on,
        "has_mail_server": messages.is_on(),
        "subscribers": subscribers,
        "unconfirmed": SubscriptionRequest.objects.filter(confirmed_at=None).count(),
        "frequencies": Frequency.labels,
        "followed": table,
        "next_times": next_times if settings.is_available else [],
        "zone_sentence": zone_sentence(min(times.values(), default=None)),
    }
