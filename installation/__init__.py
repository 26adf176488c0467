"""Installs Exchange on a server that `pulumi up` has created: `python -m installation`.

components/installation.py names it. The work is done by a scheduled task of the server, which this program starts and
watches over short connections. It imports components, connections, asyncssh and the standard library only.
"""
