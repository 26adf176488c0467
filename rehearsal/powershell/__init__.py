"""PowerShell on this computer: where it is, what it says of itself, and how the set-up brings one if there is none."""
