"""Exchange Client Access high availability: settings -> farm -> outputs."""

import pulumi
from pulumi.runtime.config import CONFIG, is_config_secret

from components.debug_lines import drop_debug_lines
from components.farm import ClientAccessFarm
from stacks import rules, settings

drop_debug_lines()
try:
    # The whole configuration: pulumi.Config tells only the keys that one asks for, and a mistyped one would be lost.
    args = settings.load(pulumi.Config(settings.PROJECT), CONFIG.get(), is_config_secret)
except settings.SettingsError as error:
    raise pulumi.RunError(str(error)) from None
for warning in rules.warnings(args, pulumi.get_stack()):
    pulumi.log.warn(warning)

farm = ClientAccessFarm("cas", args)

pulumi.export("names", farm.names)
pulumi.export("settings", farm.settings)
pulumi.export("servers", farm.servers)
