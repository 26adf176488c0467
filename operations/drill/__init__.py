"""The failover drill: Outlook-like clients keep asking while a server is lost, and every client's gap is measured."""

from operations.drill.client import Profile
from operations.drill.clients import ClientFaultError, Clients, Route
from operations.drill.figures import Figures, Observation

__all__ = ["ClientFaultError", "Clients", "Figures", "Observation", "Profile", "Route"]
