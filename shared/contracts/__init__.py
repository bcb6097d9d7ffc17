"""The messages between services, versioned. Pure: they name what happened, never contents or personal data."""
