"""Review what the next `pulumi up` means for clients: read its preview, build a plan, find dangers, write Markdown."""
