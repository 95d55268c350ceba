"""Django's request handler, for forms and queries that are always in UTF-8."""

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


class Request(WSGIRequest):
    """A request whose `Content-Type` doesn't choose the encoding of its query and form.

    If it did, one URL could have several pages, any of which a cache may store. Some encodings are not text encodings,
    and would make the request fail before Django can answer it.
    """

    @property
    def encoding(self) -> None:
        """Always None, which stands for the encoding in the settings."""

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        pass


class Handler(WSGIHandler):
    request_class = Request
