"""What the privacy page says about comments."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from comments.models import CommentSettings
from comments.notifications.subscriptions import CONFIRM_WITHIN
from core.models import SiteSettings
from core.privacy import Concerned, KeptData
from mail import messages


def kept_of_commenters(site: SiteSettings) -> Iterator[KeptData]:
    """Describe the data that is kept about commenters and followers under the current settings."""
    choices = CommentSettings.of(site)
    spam = choices.keep_spam_days
    yield KeptData(
        Concerned.COMMENTERS,
        _("The name, website and text that you enter, and when"),
        ngettext(
            "Until you or we delete the comment. What is spam or in the trash is deleted after %d day.",
            "Until you or we delete the comment. What is spam or in the trash is deleted after %d days.",
            spam,
        )
        % spam,
        _("Everyone can read them here once the comment is approved."),
    )
    yield KeptData(
        Concerned.COMMENTERS,
        _("Individual words from comments, and how many comments contained them, but not which"),
        _("Words from fewer than five comments are deleted the night after these comments are deleted."),
        _("So that the site recognises spam. It learns neither names nor e-mail addresses."),
    )
    days = choices.forget_emails_after_days
    yield KeptData(
        Concerned.COMMENTERS,
        _("Your e-mail address, if you enter it"),
        ngettext("Deleted %d day after you wrote the comment.", "Deleted %d days after you wrote the comment.", days)
        % days
        if days
        else _("As long as the comment."),
        _("Only those who moderate see it. It tells us that comments are from the same person."),
    )
    yield KeptData(
        Concerned.COMMENTERS,
        _("How many comments you sent: a code that is made from your IP address, but not the address itself"),
        _("Until someone comments on this site after ten minutes have passed, or until the end of the day."),
        _(
            "So that the site can't be flooded. The code changes daily, and can't be turned back into the address "
            "without the secret key of this site."
        ),
    )
    if settings.BROADSIDE_AKISMET_KEY:
        yield KeptData(
            Concerned.COMMENTERS,
            _("Your name, e-mail address, website and comment are sent to Akismet (Automattic, USA)"),
            _("As long as Akismet keeps them."),
            _("To detect spam. Your IP address is not sent."),
        )
    if choices.follow_by_mail and messages.is_on():
        yield KeptData(
            Concerned.FOLLOWERS,
            _("Your e-mail address, and which discussion you follow"),
            ngettext(
                "Until you unsubscribe. If you don't confirm the address, it is deleted after %d day.",
                "Until you unsubscribe. If you don't confirm the address, it is deleted after %d days.",
                CONFIRM_WITHIN.days,
            )
            % CONFIRM_WITHIN.days,
            _("To send you new comments. Each e-mail has a link to unsubscribe."),
        )
    if choices.receive_webmentions:
        yield KeptData(
            Concerned.EVERYONE,
            _(
                "Pages of other sites that say they link here: their URL, their title or the name of their author, and "
                "the text around the link"
            ),
            _("Until the page or the link is gone and its site says so, or we delete it."),
            _("Everyone can read them here once the link is approved. To see the link, this site opens that page."),
        )
    yield KeptData(
        Concerned.COMMENTERS,
        _(
            "If you asked us to erase your data: a code that is made from your e-mail address, but not the address "
            "itself"
        ),
        _("Permanently."),
        _("So that your comments don't come back if the blog is imported again from its old site."),
    )
