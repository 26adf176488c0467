"""What clients will meet after the next `pulumi up`, read from its preview: digest -> plan -> dangers -> Markdown."""
