"""How Azure Resource Manager says no."""


class ArmError(Exception):
    """An error answer of Azure Resource Manager, worded as azure-native passes it on."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f'Status={status} Code="{code}" Message="{message}"')
        self.status = status
        self.code = code
