"""Akismet: another's judgement of comments, for owners who have a key and want it. Off by default.

What it is sent the form says (templates/comments/_form.html). The sender's network address is not among it.
"""

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from blog.site import absolute_url
from comments.models import Comment
from comments.verdicts import Finding, Verdict

# Akismet wants an address; ours says nothing about anybody (RFC 5737, for documentation).
NO_ADDRESS = "192.0.2.1"
# How long a reader is kept waiting for it, in seconds.
TIMEOUT = 3


def is_on() -> bool:
    """Whether comments are sent to Akismet."""
    return bool(settings.BROADSIDE_AKISMET_KEY)


def ask(comment: Comment) -> Finding | None:
    """What Akismet says of a stranger's `comment`. An error, or no answer in time, holds it."""
    if not is_on() or comment.user is not None:
        return None
    # An optional extra: without it the modules are not there (comments.apps checks that).
    import httpx
    from akismet import AkismetError, CheckResponse, Config, SyncClient

    config = Config(settings.BROADSIDE_AKISMET_KEY, settings.SITE_URL)
    with translation.override(settings.LANGUAGE_CODE), httpx.Client(timeout=TIMEOUT) as connection:
        try:
            answer = SyncClient(config, connection).comment_check(
                NO_ADDRESS,
                comment_type="comment",
                comment_author=comment.name,
                comment_author_email=comment.email,
                comment_author_url=comment.website,
                comment_content=comment.text,
                permalink=absolute_url(comment.entry.get_absolute_url()),
            )
        except AkismetError:
            return Finding(Verdict.HOLD, gettext("Akismet was asked and did not answer."))
        if answer == CheckResponse.HAM:
            return None
        return Finding(Verdict.SPAM, gettext("Akismet takes it for spam."))
