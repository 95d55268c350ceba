"""The form below each post and page."""

import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, URLValidator
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from blog.models import Page, Post
from blog.site import SiteSettings
from comments import following
from comments.models import MAX_TEXT_LENGTH, Comment, Status, entry_lookup
from comments.moderation import submit
from comments.text import comment_html, without_controls


def validate_visible(text: str) -> None:
    """Take for empty what has no sign that anybody can see, such as a zero-width space alone."""
    if not any(unicodedata.category(sign)[0] in "LNPS" for sign in text):
        raise ValidationError(forms.Field.default_error_messages["required"], code="required")


class LineField(forms.CharField):
    """One line of text, its blanks squeezed."""

    default_validators = [validate_visible]

    def to_python(self, value: Any) -> str:
        return " ".join(without_controls(super().to_python(value) or "").split())


class ProseField(forms.CharField):
    """Several lines. Their ends count as one sign, as in the browser, and nothing cuts off what is too long."""

    widget = forms.Textarea(attrs={"rows": 8, "cols": 60, "dir": "auto"})
    default_error_messages = {"required": _("Your comment is empty. Please write something.")}
    default_validators = [
        validate_visible,
        MaxLengthValidator(
            MAX_TEXT_LENGTH,
            _("This has %(show_value)d characters, and %(limit_value)d are the most. Please shorten it or send two."),
        ),
    ]

    def to_python(self, value: Any) -> str:
        return without_controls(super().to_python(value) or "")


class CommentForm(forms.Form):
    """What a reader fills in. `user` is somebody with an account, who is asked for the text only.

    `reply_to` is the comment that is answered, once the form was found to be right in that.
    """

    name = LineField(
        label=_("Name (required)"),
        max_length=245,
        error_messages={"required": _("Please write your name, or one you want to be known by.")},
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    email = forms.EmailField(
        label=_("E-mail (will not be published) (required)"),
        max_length=254,
        error_messages={
            "required": _("Please write your e-mail address. It will not be published."),
            "invalid": _("This is not an e-mail address. It should look like name@example.org."),
        },
        help_text=_("It is kept with your comment for the moderators of this site, and never shown to anyone else."),
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )
    website = forms.URLField(
        label=_("Website"),
        max_length=500,
        required=False,
        assume_scheme="https",
        error_messages={"invalid": _("This is not a web address. It should look like https://example.org.")},
        # Not of type "url": a browser would refuse an address without https:// in front.
        widget=forms.TextInput(attrs={"autocomplete": "url", "inputmode": "url", "spellcheck": "false"}),
    )
    text = ProseField(label=_("Comment"))
    follow = forms.BooleanField(
        label=_("Tell me by e-mail of further comments"),
        required=False,
        help_text=_("First you get a mail that asks you to confirm. Each mail has a link that ends them."),
    )
    parent = forms.IntegerField(required=False, widget=forms.HiddenInput)
    # People do not see it; programs that fill in every field give themselves away.
    subject = forms.CharField(
        label=_("Leave this field empty"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "tabindex": "-1"}),
    )

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        entry: Post | Page,
        site: SiteSettings,
        user: User | None = None,
        reply_to: Comment | None = None,
    ) -> None:
        super().__init__(data, auto_id="respond-%s", label_suffix="")
        self.entry, self.site, self.user, self.reply_to = entry, site, user, reply_to
        if not following.is_on(site) or (user is not None and not user.email):
            del self.fields["follow"]
        if user is not None:
            for field in ("name", "email", "website", "subject"):
                del self.fields[field]

    @property
    def is_open(self) -> bool:
        """Whether the entry takes comments now."""
        return self.entry.takes_comments(self.site)

    def clean_website(self) -> str:
        website: str = self.cleaned_data["website"]
        if website:
            URLValidator(schemes=["http", "https"], message=self.fields["website"].error_messages["invalid"])(website)
        return website

    def clean_parent(self) -> Comment | None:
        number = self.cleaned_data["parent"]
        if number is None:
            return None
        self.reply_to = Comment.objects.on(self.entry).approved().filter(pk=number).first()
        if self.reply_to is None:
            raise ValidationError(
                gettext("The comment you answered is not here any more. Send yours again to let it stand by itself.")
            )
        return self.reply_to

    def clean(self) -> None:
        if not self.is_open:
            raise ValidationError(
                gettext("Comments are closed, so yours was not sent. Copy your text if you want to keep it."),
                code="closed",
            )

    def preview(self) -> Comment:
        """The comment of a form that is right, as readers would see it. Nothing is stored."""
        words = {name: self.cleaned_data[name] for name in ("name", "website", "text") if name in self.cleaned_data}
        html = comment_html(words["text"], is_html=False)
        return Comment(**words, html=html, user=self.user, **entry_lookup(self.entry))

    def submit(self, sender: str) -> Comment:
        """Store the comment of a form that is right. `sender` is who comments.flood says it is."""
        words = dict(self.cleaned_data)
        trapped = bool(words.pop("subject", ""))
        follows = words.pop("follow", False)
        # Put into the form by the browser (static/js/proof-of-work.js).
        proof = self.data.get("altcha", "")
        comment = submit(
            self.entry, site=self.site, user=self.user, trapped=trapped, sender=sender, proof=proof, **words
        )
        # Spam has no mail sent to anybody.
        if follows and comment.status != Status.SPAM:
            following.ask(self.entry, comment.email, sender=sender)
        return comment


class FollowForm(forms.Form):
    """For readers who follow a discussion without writing in it."""

    email = forms.EmailField(
        label=_("E-mail"),
        max_length=254,
        error_messages={
            "required": _("Please write your e-mail address."),
            "invalid": _("This is not an e-mail address. It should look like name@example.org."),
        },
        widget=forms.EmailInput(attrs={"autocomplete": "email"}),
    )

    def __init__(self, data: QueryDict | None = None) -> None:
        super().__init__(data, auto_id="follow-%s", label_suffix="")


class OwnCommentForm(forms.Form):
    """What senders may still change of what they wrote."""

    text = ProseField(label=_("Comment"))

    def __init__(self, data: QueryDict | None = None, *, comment: Comment) -> None:
        super().__init__(data, initial={"text": comment.text}, auto_id="own-%s", label_suffix="")
