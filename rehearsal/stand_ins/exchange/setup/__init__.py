"""Stand-in of Exchange's Setup.exe and of what it finds on the machine: `program` runs it."""
