"""Finds existing Azure resources and writes a file for `pulumi import`; it changes neither Azure nor the stack."""
