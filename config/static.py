"""Storage of styles, scripts and icons."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise ships no types
    """Uses plain names until `collectstatic` has run, so that a site whose owner forgot it works, if more slowly."""

    # Modules import each other under names that change with their content.
    support_js_module_import_aggregation = True

    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hashed_files else name
