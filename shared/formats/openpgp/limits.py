"""How much may be spent on one OpenPGP message. Everything a partner sends is hostile, so all of it has an end."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one decryption or encryption."""

    output_bytes: int = 50 << 30
    """Of plain content."""
    ratio: int = 500
    """Plain bytes for each encrypted one, as for archives; an OpenPGP program compresses as a rule."""
    ratio_free_bytes: int = 64 << 20
    """So much may come of any message."""
    seconds: float = 4 * 3600.0
    """For all of a message: a slow disk writes 50 GiB in that time."""
    memory_bytes: int = 512 << 20
    """Of gpg's address space. It holds one buffer of a message at a time; bzip2 takes 8 MB."""
    without_gpg_bytes: int = 16 << 20
    """A larger message is left to GnuPG: the library holds four times of it in memory, and is six times slower."""

    def honest_bytes(self, packed: int) -> int:
        """How much may come of a message of that many bytes by its ratio alone."""
        return max(self.ratio_free_bytes, packed * self.ratio)
