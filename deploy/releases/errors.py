class UpgradeError(Exception):
    """Something that stops an installation or upgrade. The text says what to do; the site is as it was."""
