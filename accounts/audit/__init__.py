"""The audit log: who did what to which object, when and in which role (models.AuditRecord).

`recording` adds records, in the transaction of what they are about, and nothing changes or deletes them, except
`retention`, which deletes those that are old, and withdrawing a name, which removes it from their texts.
"""
