"""Things that exist in Azure already become the stack's: found, written down for `pulumi import`, nothing changed."""
