"""The checks of a running site by `manage.py doctor` and the dashboard, each in its own function.

`catalogue` lists the checks, `diagnoses` defines their types, and `outcomes` runs them and stores their results.
"""
