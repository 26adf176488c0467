"""What is true of every finished plan, whatever the stack file; written from the README and the keys' descriptions.

Each promise takes a plan and the arguments it was made from, and yields its breaches. The kept plans show what is
registered; the promises check that it is right, so that rewriting a kept plan hides no fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from components.args import FarmArgs
from tests.plan.plan import RecordedPlan
from tests.plan.promises import azure, commands, domain, installation, names, network, records, whole

Promise = Callable[[RecordedPlan, FarmArgs], Iterator[str]]
EVERY: tuple[Promise, ...] = (
    whole.every_resource_is_placed_in_its_part_of_the_farm,
    names.every_resource_has_the_name_that_states_know,
    names.every_resource_has_the_name_that_azure_knows,
    whole.no_secret_is_in_plain,
    whole.nothing_is_unknown,
    whole.each_resource_waits_for_the_ids_in_its_inputs,
    whole.no_alias_has_an_api_version,
    whole.outputs_hold_what_operations_need,
    whole.azure_is_asked_for_host_keys_that_are_needed_and_not_pinned,
    azure.azure_accepts_the_inputs,
    azure.every_resource_that_takes_tags_has_them,
    azure.protect_covers_the_documented_resources_only,
    azure.every_resource_is_in_the_stacks_resource_group,
    azure.each_machine_is_as_exchange_and_azure_need_it,
    azure.a_change_that_azure_refuses_replaces_the_machine,
    azure.ssh_is_enabled_on_the_port_that_is_dialled,
    azure.each_data_disk_is_attached_and_prepared_as_declared,
    azure.a_lab_is_shut_down_every_evening,
    azure.machines_without_a_zone_are_in_an_availability_set,
    domain.each_new_machine_joins_as_the_stack_file_says,
    domain.a_join_is_made_once,
    domain.a_machine_is_in_its_domain_before_a_script_runs,
    domain.the_outputs_say_which_machine_joined,
    network.each_interface_has_the_address_and_the_security_group,
    network.public_addresses_have_the_sku_that_azure_still_creates,
    network.a_network_is_created_if_none_is_named,
    network.the_security_group_allows_the_named_sources_only,
    records.each_name_has_the_address_of_each_server_in_rotation,
    records.zones_are_created_if_none_exists,
    records.the_private_zone_answers_the_networks_that_it_should,
    commands.every_configured_server_has_its_scripts_and_its_commands,
    commands.each_server_is_dialled_as_the_stack_file_says,
    commands.a_host_key_is_read_after_the_run_command_reported_it,
    commands.a_teardown_needs_no_live_server,
    commands.commands_log_standard_error_only,
    commands.each_script_gets_its_document,
    commands.each_server_gets_the_certificate_before_its_gate,
    commands.a_credential_is_sent_only_if_a_key_logs_on,
    commands.a_server_that_leaves_is_restored_if_its_row_wants_it,
    installation.exchange_is_installed_on_the_servers_created_here,
    installation.one_server_prepares_active_directory_if_wanted,
    installation.exchange_is_installed_before_anything_else_runs_on_a_server,
)
