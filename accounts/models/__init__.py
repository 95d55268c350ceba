"""People who write, edit or moderate, and what is stored about their accounts. Readers have no accounts."""

from accounts.models.audit import AppendOnlyError, AuditRecord, AuditRecordQuerySet
from accounts.models.links import EmergencyLink, PasswordLink
from accounts.models.people import User, UserManager
from accounts.models.policies import RolePolicy
from accounts.models.portraits import Portrait
from accounts.models.sessions import Session

__all__ = [
    "AppendOnlyError",
    "AuditRecord",
    "AuditRecordQuerySet",
    "EmergencyLink",
    "PasswordLink",
    "Portrait",
    "RolePolicy",
    "Session",
    "User",
    "UserManager",
]
