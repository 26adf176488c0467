"""How azure-native and Azure Resource Manager behind it say no."""


class RefusedError(Exception):
    """A refusal of azure-native itself, or of the stand-in where it does not go as far as Azure."""


class ArmError(RefusedError):
    """An error answer of Azure Resource Manager, worded as azure-native passes it on."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f'Status={status} Code="{code}" Message="{message}"')
