"""The audit log: who did what to which object, when and in which role (models.AuditRecord).

`recording` adds records, in the transaction of what they are about, and nothing changes or deletes them, except
`retention`, which deletes those that are old, and `rewriting`, which removes names from their texts.
"""
