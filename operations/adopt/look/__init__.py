"""The program that looks into Azure; run by the engine, so that it has the stack's provider and its credentials."""
