"""Django's handler of requests, for forms and queries that are always in UTF-8."""

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest


class Request(WSGIRequest):
    """A request whose `Content-Type` doesn't choose the encoding of its query and form.

    With an encoding from there, one URL would be many pages, of which caches may store any. Some encodings are none of
    texts, and make the request fail before anything of Django answers it.
    """

    @property
    def encoding(self) -> None:
        """None stands for that of the settings."""

    @encoding.setter
    def encoding(self, value: str | None) -> None:
        pass


class Handler(WSGIHandler):
    request_class = Request
