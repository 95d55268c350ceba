"""The page to which e-mails about reviews link. Anyone with its signed URL may use it, without logging in."""

from django.core.signing import BadSignature
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from blog.caching import mark_private
from blog.models import ReviewPreference


# Mail programs unsubscribe with one POST (RFC 8058), and no page of another site knows the URL.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask for a click, because mail programs open links to scan them. A POST ends the e-mails."""
    try:
        preference = ReviewPreference.objects.with_unsubscribe_token(token)
    except (BadSignature, ValueError) as error:
        raise Http404 from error
    if request.method == "POST" and preference is not None:
        ReviewPreference.objects.filter(pk=preference.pk).update(submissions=False, feedback=False)
    context = {"is_done": request.method == "POST" or preference is None}
    response = render(request, "blog/stop_review_emails.html", context)
    mark_private(response)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
