"""Storage of styles, scripts and icons."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise ships no types
    """Uses names with a hash, which browsers cache for ever, once `collectstatic` has run, and plain names before.

    A site whose owner forgot that command is a little slower, but not down.
    """

    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hashed_files else name
