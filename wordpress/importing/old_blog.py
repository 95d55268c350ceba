"""Facts about the imported blog as a whole."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class OldBlog:
    """The blog that an export comes from. All values are JSON types, because reports store them.

    Unknown values are empty. `title` and `tagline` fit into the site settings here. `language` is as exported, and
    `text_language` is that of most new posts. `times` are wordpress.importing.time_zones.TimeSamples, and `zone` is the
    only time zone that fits them. `folder` has the form `/blog/`.
    """

    # The name under which the blog is recorded here (wordpress.importing.site_identity).
    site: str = ""
    url: str = ""
    title: str = ""
    tagline: str = ""
    language: str = ""
    text_language: str = ""
    times: list[list[Any]] = field(default_factory=list)
    zone: str = ""
    hosts: list[str] = field(default_factory=list)
    folder: str = ""
    menus: list[str] = field(default_factory=list)
    # The number of files, how many of them are not here, and how many of the missing ones are gone for good.
    files: int = 0
    missing_files: int = 0
    gone_files: int = 0

    @property
    def settings(self) -> dict[str, str]:
        """The blog's known site settings, by their field names here."""
        return {name: value for name, value in (("title", self.title), ("tagline", self.tagline)) if value}
