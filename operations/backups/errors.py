"""What can be wrong with a backup."""


class BackupError(Exception):
    """A backup can't be made, read or restored. The message says why, and what to do, in plain sentences."""
