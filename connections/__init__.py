"""Connections over SSH to the servers, for what runs on this computer: restoration, installation and operations."""
