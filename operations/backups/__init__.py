"""Backups of the whole site, which can also be restored by hand with common programs.

A backup is made while the site runs (`creating`) and exists once its list of checksums does (`contents`), so an
interrupted one leaves only files that the next one uses or removes. `restoring` verifies and restores backups. The
files are in a folder or bucket (`stores`), encrypted to a public key if there is one (`sealing`).
"""
