"""Stand-in of the pulumi-command provider 1.2.1: command:remote:Command, command:remote:CopyToRemote and
command:local:Command."""

from rehearsal.stand_ins.command.provider import CommandProvider

__all__ = ["CommandProvider"]
