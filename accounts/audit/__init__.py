"""The audit log: who did what to which object, when and in which role (models.AuditRecord).

`recording` adds records, in the transaction of what they record. Nothing changes or deletes them, except `retention`,
which deletes old ones, and the withdrawal of a name, which removes it from their texts.
"""
