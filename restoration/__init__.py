"""What gives a server that leaves the stack the URLs back that it had before: `python -m restoration`.

`pulumi up` and `pulumi destroy` run it, by the text in components/restoration.py, when the stack knows the server no
more. It needs components, asyncssh and the standard library, and nothing of operations.
"""
