"""The pages of the admin about operating the site."""

from operations.admin.withdrawals import WithdrawalAdmin

__all__ = ["WithdrawalAdmin"]
