"""Stand-in of Exchange, as a server's PowerShell meets it, and of the parts of Windows that the scripts use."""

from rehearsal.stand_ins.exchange.organisation import Call, Organisation

__all__ = ["Call", "Organisation"]
