"""The admin's pages about operating the site."""

from operations.admin.withdrawals import WithdrawalAdmin

__all__ = ["WithdrawalAdmin"]
