"""Stand-in of Exchange, as a server's PowerShell meets it, and of the parts of Windows that the scripts use."""

from rehearsal.stand_ins.exchange.organisation import CmdletCall, Organisation

__all__ = ["CmdletCall", "Organisation"]
