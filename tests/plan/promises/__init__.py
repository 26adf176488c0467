"""What holds of every finished plan, whatever the stack file says; written from the README and the keys' descriptions.

Each promise is given a plan and the settings it was made from, and yields its breaches. The kept plans show what is
registered; these say whether it is right, so that rewriting a kept plan hides no fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from components.args import FarmArgs
from tests.plan.plan import Plan
from tests.plan.promises import azure, commands, names, network, records, whole

Promise = Callable[[Plan, FarmArgs], Iterator[str]]
EVERY: tuple[Promise, ...] = (
    whole.every_resource_is_placed_in_its_part_of_the_farm,
    names.every_resource_has_the_name_that_states_know,
    names.every_resource_has_the_name_that_azure_knows,
    whole.no_secret_is_in_plain,
    whole.nothing_is_unknown,
    whole.whoever_names_an_id_waits_for_it,
    whole.no_alias_has_an_api_version,
    whole.outputs_tell_what_operations_need,
    whole.azure_is_asked_for_host_keys_that_are_needed_and_not_pinned,
    azure.azure_accepts_the_inputs,
    azure.all_that_takes_tags_has_them,
    azure.what_the_key_says_is_protected_and_nothing_else,
    azure.all_lies_in_the_stacks_resource_group,
    azure.each_machine_is_as_exchange_and_azure_need_it,
    azure.a_change_that_azure_refuses_makes_a_new_machine,
    azure.ssh_is_switched_on_as_it_is_dialled,
    azure.each_data_disk_is_attached_and_prepared_as_declared,
    azure.a_lab_is_shut_down_every_evening,
    azure.machines_without_a_zone_are_kept_apart,
    network.each_interface_has_the_address_and_the_security_group,
    network.public_addresses_are_of_the_kind_that_azure_still_makes,
    network.a_network_is_made_where_none_is_named,
    network.the_security_group_lets_in_whom_it_should_and_no_other,
    records.each_name_has_the_address_of_each_server_in_rotation,
    records.zones_are_made_where_none_exists,
    records.the_private_zone_answers_the_networks_that_it_should,
    commands.every_configured_server_has_its_scripts_and_two_commands,
    commands.each_server_is_dialled_as_the_stack_file_says,
    commands.a_host_key_is_read_when_it_has_been_told,
    commands.a_teardown_needs_no_live_server,
    commands.commands_say_what_people_should_see_and_no_more,
    commands.each_script_gets_its_document,
    commands.a_credential_travels_only_where_a_key_logs_on,
    commands.a_server_that_leaves_is_restored_where_it_is_wanted,
)
