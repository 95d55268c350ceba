"""Storage of styles, scripts and icons."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise ships no types
    """Uses plain names for files that `collectstatic` has not collected yet.

    So a site works, if more slowly, whose owner forgot that after the installation or an update.
    """

    # Modules import each other under names that change with their content.
    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hash_key(self.clean_name(name)) in self.hashed_files else name
