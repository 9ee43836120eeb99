"""Since the baseline was recorded, nothing changed in the C ABI but additions. And, as controls, what
would break programs is reported when it is done to the baseline."""

import os
import re

import pytest

import abi

LIBRARY = os.environ["NERAVA_ANALYTICS_LIBRARY"]
HEADER = os.environ["NERAVA_ANALYTICS_HEADER"]


@pytest.fixture(scope="module")
def baseline():
    with open(abi.BASELINE) as file:
        return file.read()


def test_only_additions_since_the_baseline(baseline):
    assert abi.compare(baseline, abi.dump(LIBRARY, HEADER)) == ""


def test_constants_keep_their_values():
    now = abi.constants(HEADER)
    changed = {name: now.get(name) for name, value in abi.recorded_constants().items()
               if now.get(name) != value}
    assert changed == {}


# ---- Controls ------------------------------------------------------------------------------------


def struct(text, name):
    return abi.structs(text)[name][0]


def members(text):
    return [match[0] for match in abi.MEMBER.finditer(text)]


def without_function(text, name):
    declaration = rf" *<function-decl name='{name}'.*?</function-decl>\n"
    symbol = rf" *<elf-symbol name='{name}' [^\n]*\n"
    return re.sub(symbol, "", re.sub(declaration, "", text, flags=re.S))


def without_last_member(text, name):
    whole = struct(text, name)
    last = list(abi.MEMBER.finditer(whole))[-1]
    smaller = re.sub(r"size-in-bits='\d+'", f"size-in-bits='{last[1]}'", whole, count=1)
    return text.replace(whole, smaller.replace(last[0], ""))


def with_members_swapped(text, name, one, other):
    whole = struct(text, name)
    swapped = re.sub(rf"name='({one}|{other})'",
                     lambda m: f"name='{other if m[1] == one else one}'", whole)
    return text.replace(whole, swapped)


def with_member_of_type(text, name, member, like):
    whole = struct(text, name)
    of = {match[2]: match[3] for match in abi.MEMBER.finditer(whole)}
    changed = whole.replace(f"name='{member}' type-id='{of[member]}'",
                            f"name='{member}' type-id='{of[like]}'")
    return text.replace(whole, changed)


def test_an_added_function_is_allowed(baseline):
    assert abi.compare(without_function(baseline, "nva_kpi_free"), baseline) == ""


def test_a_struct_with_struct_size_that_grew_is_allowed(baseline):
    assert abi.compare(without_last_member(baseline, "nva_bus_options"), baseline) == ""


@pytest.mark.parametrize("change", [
    lambda text: without_function(text, "nva_kpi_free"),
    lambda text: without_last_member(text, "nva_bus_options"),
    lambda text: with_members_swapped(text, "nva_event", "region", "aggregate_id"),
    lambda text: with_members_swapped(text, "nva_bus_stats", "published", "refused"),
    lambda text: with_member_of_type(text, "nva_event", "energy_mwh", "struct_size"),
    lambda text: with_member_of_type(text, "nva_producer_stats", "published", "struct_size"),
], ids=["function removed", "member removed", "strings swapped", "counters swapped",
        "type changed", "type of another size"])
def test_what_breaks_programs_is_reported(baseline, change):
    changed = change(baseline)
    assert changed != baseline
    assert abi.compare(baseline, changed) != ""


def test_a_struct_without_struct_size_that_grew_is_reported(baseline):
    assert abi.compare(without_last_member(baseline, "nva_string"), baseline) != ""


def test_a_change_beside_an_addition_is_reported(baseline):
    swapped = with_members_swapped(baseline, "nva_bus_stats", "published", "refused")
    assert abi.compare(without_last_member(baseline, "nva_bus_stats"), swapped) != ""
