"""The failover drill: Outlook-like clients keep asking while a server is lost, and each client's gap is measured."""

from operations.drill.client import Profile
from operations.drill.clients import ClientFaultError, DrillClients, Route
from operations.drill.figures import Figures, Mark, Observation

__all__ = ["ClientFaultError", "DrillClients", "Figures", "Mark", "Observation", "Profile", "Route"]
