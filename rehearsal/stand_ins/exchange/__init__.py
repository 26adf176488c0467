"""Stand-in of Exchange in a server's PowerShell, and of the parts of Windows that the scripts use."""

from rehearsal.stand_ins.exchange.organisation import CmdletCall, Organisation

__all__ = ["CmdletCall", "Organisation"]
