"""Names by the REST specifications: azure-native checks their patterns and lengths, and the SDK does not keep them."""

import re
from collections.abc import Iterator

from .schema import InputProblem
from .wire import UNKNOWN, Json

_GROUP = re.compile(r"[-\w.()]{1,90}(?<!\.)", re.ASCII)


def name_problems(inputs: Json) -> Iterator[InputProblem]:
    name = inputs.get("resourceGroupName", UNKNOWN)
    if name != UNKNOWN and not _GROUP.fullmatch(str(name)):
        yield InputProblem(
            property="resourceGroupName",
            reason=f"'resourceGroupName' must match {_GROUP.pattern}, not {name!r}",
        )
