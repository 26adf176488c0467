"""Gives a server that leaves the stack its old URLs back: `python -m restoration`.

`pulumi up` and `pulumi destroy` run it (components/restoration.py) when the server is no longer in the stack file. It
imports components, connections, asyncssh and the standard library only.
"""
