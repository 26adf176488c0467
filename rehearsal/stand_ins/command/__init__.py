"""Stand-in of the published pulumi-command provider 1.2.1: command:remote:Command and command:remote:CopyToRemote."""

from rehearsal.stand_ins.command.provider import CommandProvider

__all__ = ["CommandProvider"]
