"""A Pulumi program that asks Azure, so that the stack's provider and its sign-in are used."""
