"""The page for unsubscribing from e-mails about reviews. Anyone with its signed URL may use it, without logging in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from blog.models import ReviewPreference
from blog.secret_pages import secret_page


@secret_page
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for a click, because mail programs open links to scan them. A POST unsubscribes (RFC 8058)."""
    preference = ReviewPreference.objects.with_unsubscribe_token(token)
    if request.method == "POST" and preference is not None:
        ReviewPreference.objects.filter(pk=preference.pk).update(submissions=False, feedback=False)
    context = {"is_done": request.method == "POST" or preference is None}
    return render(request, "blog/stop_review_emails.html", context)
