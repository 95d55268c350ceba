"""The forms for readers: to comment, to follow, and to change their own comment."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, URLValidator
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models import Entry
from comments.models import MAX_NAME_LENGTH, MAX_TEXT_LENGTH, Comment, CommentSettings, CommentStatus
from comments.moderation.submission import submit
from comments.notifications import subscriptions
from comments.websites import has_address
from core.text import is_visible, one_line, remove_controls


def validate_visible(text: str) -> None:
    """Treat text without visible characters, such as a single zero-width space, as empty."""
    if not is_visible(text):
        raise ValidationError(forms.Field.default_error_messages["required"], code="required")


class LineField(forms.CharField):
    """One line of text with normalised spaces, in which nothing reverses the direction."""

    default_validators = [validate_visible]

    def to_python(self, value: Any) -> str:
        return one_line(super().to_python(value) or "")


class CommentTextField(forms.CharField):
    """Several lines of text. A line break counts as one character, as in the browser. Long text is not cut off."""

    widget = forms.Textarea(attrs={"rows": 8, "cols": 60, "dir": "auto"})
    default_error_messages = {"required": _("Your comment is empty. Please write something.")}
    default_validators = [
        validate_visible,
        MaxLengthValidator(
            MAX_TEXT_LENGTH,
            _("This has %(show_value)d characters, but the limit is %(limit_value)d. Shorten it or split it in two."),
        ),
    ]

    def to_python(self, value: Any) -> str:
        return remove_controls(super().to_python(value) or "")


class EmailField(forms.EmailField):
    widget = forms.EmailInput(attrs={"autocomplete": "email"})
    default_error_messages = {
        "required": _("Please enter your e-mail address."),
        "invalid": _("This is not an e-mail address. It should look like name@example.org."),
    }


class WebsiteField(forms.URLField):
    """A URL with HTTP or HTTPS. Django's field accepts FTP as well."""

    default_validators = [URLValidator(["http", "https"])]


class CommentForm(forms.Form):
    """The comment form. A `user` with an account only fills in the text.

    `reply_to` is the comment being replied to, once it has been validated.
    """

    name = LineField(
        label=_("Name (required)"),
        max_length=MAX_NAME_LENGTH,
        error_messages={"required": _("Please enter your name or a pseudonym.")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = EmailField(
        label=_("E-mail (will not be published) (required)"),
        max_length=254,
        error_messages={"required": _("Please enter your e-mail address. It will not be published.")},
        help_text=_("It is stored with your comment for this site's moderators and never shown to anyone else."),
    )
    website = WebsiteField(
        label=_("Website"),
        max_length=500,
        required=False,
        assume_scheme="https",
        error_messages={"invalid": _("This is not a URL. It should look like https://example.org.")},
        # Not of type "url", because browsers would refuse a URL without https://.
        widget=forms.TextInput(attrs={"autocomplete": "url", "inputmode": "url", "spellcheck": "false"}),
    )
    text = CommentTextField(label=_("Comment"))
    follow = forms.BooleanField(
        label=_("Notify me of new comments by e-mail"),
        required=False,
        help_text=_("We will first ask you to confirm your address. You can unsubscribe at any time."),
    )
    parent = forms.IntegerField(required=False, widget=forms.HiddenInput)
    # People don't see it. Bots that fill in every field give themselves away.
    subject = forms.CharField(
        label=_("Leave this field empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        entry: Entry,
        settings: CommentSettings,
        user: User | None = None,
        reply_to: Comment | None = None,
    ) -> None:
        super().__init__(data, auto_id="respond-%s", label_suffix="")
        self.entry, self.settings, self.user, self.reply_to = entry, settings, user, reply_to
        # E-mails would reveal the comments on a password-protected post.
        if not subscriptions.is_on(settings) or entry.password or (user is not None and not user.email):
            del self.fields["follow"]
        if user is not None:
            for field in ("name", "email", "website", "subject"):
                del self.fields[field]

    def clean_parent(self) -> Comment | None:
        pk = self.cleaned_data["parent"]
        if pk is None:
            return None
        self.reply_to = Comment.objects.on(self.entry).approved().filter(pk=pk).first()
        if self.reply_to is None:
            raise ValidationError(
                _("The comment you replied to no longer exists. Submit yours again to post it on its own.")
            )
        return self.reply_to

    def clean(self) -> None:
        values = self.cleaned_data
        if has_address(values.get("website", ""), values.get("email", "")):
            text = _(
                "This contains an e-mail address or a username, and everyone would see it. Enter the URL of your "
                "website, or leave this field empty."
            )
            self.add_error("website", text)
        if not self.settings.is_open(self.entry):
            raise ValidationError(
                _("Comments are closed, so yours was not sent. Copy your text if you want to keep it."), code="closed"
            )

    def preview(self) -> Comment:
        """Return the comment of a valid form as readers would see it, without storing it."""
        values = {name: self.cleaned_data[name] for name in ("name", "website", "text") if name in self.cleaned_data}
        comment = Comment(**values, user=self.user, entry=self.entry)
        comment.render()
        return comment

    def submit(self, sender: str) -> Comment:
        """Store and return the comment of a valid form. `sender` comes from core.sender."""
        values = dict(self.cleaned_data)
        trapped = bool(values.pop("subject", ""))
        follow = values.pop("follow", False)
        # Added by static/js/comment-form.js.
        values["proof"] = self.data.get("altcha", "")
        comment = submit(self.entry, settings=self.settings, user=self.user, trapped=trapped, sender=sender, **values)
        # Spam must not cause e-mails to anyone.
        if follow and comment.status != CommentStatus.SPAM:
            subscriptions.request(self.entry, values.get("email", comment.email), sender=sender)
        return comment


class FollowForm(forms.Form):
    """The form to follow a discussion without commenting."""

    email = EmailField(label=_("E-mail"), max_length=254)

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="follow-%s", label_suffix="")


class OwnCommentForm(forms.Form):
    text = CommentTextField(label=_("Comment"))

    def __init__(self, data: QueryDict | None = None, *, comment: Comment) -> None:
        super().__init__(data, initial={"text": comment.text}, auto_id="own-%s", label_suffix="")
