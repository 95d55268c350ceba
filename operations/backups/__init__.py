"""Backups of the whole site, which are also restored by hand with common programs.

A backup is made while the site runs (`creating`), and is there once its list of checksums is (`contents`), so that of
one that was interrupted only files remain that the next one uses or removes. It is proved, and restored, by
`restoring`. The files are in a folder or bucket (`stores`), encrypted to a public key if there is one (`sealing`).
"""
