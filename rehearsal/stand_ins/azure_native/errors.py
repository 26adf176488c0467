"""Error answers of Azure Resource Manager."""

from rehearsal.stand_ins.provider.servicer import ProviderError

from .store import Resource


class ArmError(ProviderError):
    """An error answer of Azure Resource Manager, worded as azure-native passes it on."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f'Status={status} Code="{code}" Message="{message}"')


class DeploymentFailedError(ArmError):
    """The resource exists, but Azure reports its deployment as failed."""

    def __init__(self, resource: Resource, message: str) -> None:
        super().__init__(409, "VMExtensionProvisioningError", message)
        self.resource = resource
