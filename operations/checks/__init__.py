"""What `manage.py doctor` and the dashboard check about a site that is running, each in a function of its own.

`catalogue` lists the checks, `diagnoses` says what one is, `outcomes` runs them and remembers what they found.
"""
