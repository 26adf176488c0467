"""Exchange Client Access high availability: settings -> farm -> outputs."""

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from components.farm import ClientAccessFarm
from stacks import rules, settings

try:
    args = settings.load(pulumi.Config(settings.PROJECT), {**get_config_env(), **CONFIG.get()})
except settings.SettingsError as error:
    raise pulumi.RunError(str(error)) from None
for warning in rules.warnings(args):
    pulumi.log.warn(warning)

farm = ClientAccessFarm("cas", args)

pulumi.export("names", farm.names)
pulumi.export("settings", farm.settings)
pulumi.export("servers", farm.servers)
