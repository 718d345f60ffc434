"""Looks at a site from within, and says in plain sentences what is wrong with it and what to do: `manage.py doctor`."""
