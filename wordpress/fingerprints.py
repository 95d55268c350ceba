"""Fingerprints, which show whether something has changed since it was imported."""

import hashlib


def fingerprint(*values: object) -> str:
    """Return a digest of `values`, stable across processes. The values must have a stable `repr`."""
    return hashlib.blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
