"""Scopes: what an API key may do. The list is closed."""

from enum import StrEnum


class Scope(StrEnum):
    """One permission of an API key."""

    CONNECTIONS_READ = "connections:read"
    CONNECTIONS_WRITE = "connections:write"
    GOALS_READ = "goals:read"
    GOALS_WRITE = "goals:write"
    RUNS_READ = "runs:read"
    RUNS_WRITE = "runs:write"
    PROFILES_READ = "profiles:read"
    PROFILES_WRITE = "profiles:write"
    EXPORTS_READ = "exports:read"
    EXPORTS_WRITE = "exports:write"
    KEYS_READ = "keys:read"
    KEYS_WRITE = "keys:write"
    AUDIT_READ = "audit:read"
    ADMIN = "admin"
    """Makes accounts and their first keys; only keys of the operator's own account can have it."""


OWNER_SCOPES: frozenset[Scope] = frozenset(Scope) - {Scope.ADMIN}
"""All that a tenant's own key can be allowed."""

OPERATOR_SCOPES: frozenset[Scope] = frozenset({Scope.ADMIN, Scope.KEYS_READ, Scope.KEYS_WRITE})
"""All that a key of the operator's own account can be allowed: making accounts, and their first keys."""
