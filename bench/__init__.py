"""The benchmark behind the figures in the README: `make bench`, or `python -m bench --help`.

The server under test has one core to itself. The emulated providers (`tests/upstream`, with fixed delays), Postgres and
the callers, which stream real speech in real time, share the others.
"""
