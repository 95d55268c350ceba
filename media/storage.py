"""Storing files completely or not at all."""

from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage


class MediaStorage(FileSystemStorage):
    """Files in a folder. Of one that can't be written, for example to a full disk, nothing is left."""

    def _save(self, name: str, content: Any) -> str:
        if hasattr(content, "temporary_file_path"):
            # It is complete, and is only moved.
            return str(super()._save(name, content))  # type: ignore[misc]  # the stubs leave it out
        # An empty file reserves the name, which another upload may want at the same time.
        name = super()._save(name, ContentFile(b""))  # type: ignore[misc]  # likewise
        path = Path(self.path(name))
        try:
            with path.open("wb") as file:
                file.writelines(content.chunks())
        except BaseException:
            path.unlink()
            raise
        return name

    def replace(self, name: str, content: Any) -> None:
        """Put `content` in the place of the file with this name, or leave that as it is."""
        path = Path(self.path(name))
        # Hidden, so that it can't be requested.
        new = path.with_name(f".{path.name}.new")
        try:
            with new.open("wb") as file:
                file.writelines(content.chunks())
            new.chmod(path.stat().st_mode & 0o777)
            new.replace(path)
        except BaseException:
            new.unlink(missing_ok=True)
            raise
