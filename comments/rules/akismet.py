"""Akismet: a spam check by a third party, for owners who have a key. Off by default.

The comment form says what is sent to it (templates/comments/_form.html). The sender's IP address is not.
"""

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from comments.models import Comment
from comments.rules.judge import Finding, Verdict
from core.site import absolute_url

# Akismet requires an IP address. This one is reserved for documentation (RFC 5737).
PLACEHOLDER_IP = "192.0.2.1"
# In seconds. The commenter is waiting.
TIMEOUT = 3


def is_on() -> bool:
    return bool(settings.BROADSIDE_AKISMET_KEY)


def check(comment: Comment) -> Finding | None:
    """Return Akismet's finding about a comment without an account. On an error or a timeout it is held."""
    if not is_on() or comment.user is not None:
        return None
    # Imported here because they are an optional extra that only sites with a key need (comments.apps checks that).
    import httpx
    from akismet import AkismetError, CheckResponse, Config, SyncClient

    config = Config(settings.BROADSIDE_AKISMET_KEY, settings.SITE_URL)
    with translation.override(settings.LANGUAGE_CODE), httpx.Client(timeout=TIMEOUT) as connection:
        try:
            answer = SyncClient(config, connection).comment_check(
                PLACEHOLDER_IP,
                comment_type="comment",
                comment_author=comment.name,
                comment_author_email=comment.email,
                comment_author_url=comment.website,
                comment_content=comment.text,
                permalink=absolute_url(comment.entry.get_absolute_url()),
            )
        except AkismetError:
            return Finding(Verdict.HOLD, gettext("Akismet did not answer."))
        if answer == CheckResponse.HAM:
            return None
        return Finding(Verdict.SPAM, gettext("Akismet considers it spam."))
