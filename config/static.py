"""Styles, scripts and icons."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise ships no types
    """Names with a hash, kept by browsers for good, once `collectstatic` has run; plain names before.

    A site whose owner forgot that command is a little slower, and not down.
    """

    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hashed_files else name
