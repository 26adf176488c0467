"""Gives a server that leaves the stack its old URLs back: `python -m restoration`.

`pulumi up` and `pulumi destroy` run it (components/restoration.py) after the stack has forgotten the server. It needs
components, asyncssh and the standard library, but not operations.
"""
