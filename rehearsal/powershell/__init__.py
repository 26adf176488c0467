"""PowerShell on this computer: finding it, installing it if it is missing, and the style of its files."""
