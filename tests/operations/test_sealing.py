"""The size of a file in a backup shows whether it can be complete."""

from io import BytesIO

import pyrage
import pytest

from operations.backups.sealing import can_be_sealed_size, seal

KEY = pyrage.x25519.Identity.generate().to_public()


@pytest.mark.parametrize("size", [0, 1, 2**16 - 1, 2**16, 2**16 + 1, 200_000])
@pytest.mark.parametrize("key", [None, KEY], ids=["plain", "encrypted"])
def test_a_sealed_file_has_one_of_the_possible_sizes(size: int, key: object) -> None:
    # The length of a header is random.
    for _ in range(20):
        sealed = BytesIO()
        seal(BytesIO(b"x" * size), sealed, key)
        assert can_be_sealed_size(len(sealed.getvalue()), size, is_encrypted=key is not None)
        for other in (0, len(sealed.getvalue()) - 400, len(sealed.getvalue()) + 2000):
            assert not can_be_sealed_size(other, size + (size == 0), is_encrypted=key is not None)
