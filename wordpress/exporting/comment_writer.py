"""Comments in an export."""

from typing import Any, Final

from comments.models import Comment, CommentStatus
from wordpress.wxr.elements import format_datetime, iso_utc, local_time, meta_field, text_to_html, utc_time, wp_elements
from wordpress.wxr.extensions import EXTENSION_KEY, checksum, clean_for_xml, to_json
from wordpress.wxr.values import aware_datetime

_STATUSES: Final = {
    CommentStatus.APPROVED: "1",
    CommentStatus.PENDING: "0",
    CommentStatus.SPAM: "spam",
    CommentStatus.TRASH: "trash",
}


def comment_element(comment: Comment) -> str:
    local = local_time(comment.created_at).replace(microsecond=0)
    name, email, website = (text_to_html(text) for text in (comment.name, comment.email, comment.website))
    content = comment.text if comment.is_html else text_to_html(comment.text)
    values = {
        "comment_id": comment.pk,
        "comment_author": name,
        "comment_author_email": email,
        "comment_author_url": website,
        "comment_author_IP": "",
        "comment_date": format_datetime(local),
        "comment_date_gmt": format_datetime(utc_time(comment.created_at)),
        "comment_content": content,
        "comment_approved": _STATUSES[CommentStatus(comment.status)],
        "comment_type": comment.kind,
        "comment_parent": comment.parent_id or 0,
        "comment_user_id": comment.user_id or 0,
    }
    extension: dict[str, Any] = {}
    if not comment.is_html or clean_for_xml(content) != content:
        extension |= {"text": comment.text, "is_html": comment.is_html}
    if comment.created_at != aware_datetime(local):
        extension["created_at"] = iso_utc(comment.created_at)
    meta = ""
    if extension:
        extension = {"mark": checksum(name, email, website, content, str(local)), **extension}
        meta = meta_field("commentmeta", EXTENSION_KEY, to_json(extension))
    return f"\t\t<wp:comment>{wp_elements(values)}{meta}</wp:comment>\n"
