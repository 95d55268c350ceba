"""What can be wrong with a backup."""

import errno


class BackupError(Exception):
    """A backup can't be made, read or restored. The message says why, and what to do, in plain sentences."""


def is_disk_full(error: BaseException) -> bool:
    """Whether something could not be written for want of space."""
    return isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}
