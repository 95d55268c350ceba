"""Django's request handler, for forms and queries that are always in UTF-8."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.functional import cached_property
from django.utils.http import parse_header_parameters


class Request(WSGIRequest):
    """A request whose `Content-Type` doesn't choose the encoding of its query and form.

    If it did, one URL could have several pages, any of which a cache may store. Some encodings are not text encodings,
    and would make the request fail before Django can answer it, as malformed headers would. Those count as missing.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}

    @cached_property
    def accepted_types(self) -> list[Any]:
        try:
            return super().accepted_types
        except ValueError:
            return []


class Handler(WSGIHandler):
    request_class = Request
