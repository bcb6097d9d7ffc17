"""A hosted folder's room in which everything finds a place."""


class Roomy:
    """A Room that remembers what was counted."""

    def __init__(self) -> None:
        self.bytes = 0
        self.files = 0

    async def take(self, least: int, wished: int, files: int = 0) -> int:
        self.bytes += max(least, wished)
        self.files += files
        return max(least, wished)

    async def change(self, bytes_: int, files: int = 0) -> None:
        self.bytes += bytes_
        self.files += files
