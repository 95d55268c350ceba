class UpgradeError(Exception):
    """An error that stops an installation or upgrade. The message says what to do; the site is unchanged."""
