"""The trace context that follows a file from its arrival to its receipt: W3C Trace Context, level 1."""

import secrets


def new_traceparent() -> str:
    """A new trace, sampled: version, trace id, parent id, flags."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
