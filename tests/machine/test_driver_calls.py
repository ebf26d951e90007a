"""Which devices a program sees, and the lowest of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conda_torchmirror.machine.driver_calls import Device, lowest, visible

DEVICES = st.lists(
    st.builds(
        Device,
        st.sampled_from(["A", "B"]),
        st.sampled_from([None, "3.7", "8.6", "9.0", "10.0", "12.0"]),
        st.uuids().map(lambda uuid: f"GPU-{uuid}"),
        st.booleans(),
    ),
    max_size=6,
    unique_by=lambda device: device.uuid,
)


@given(DEVICES, st.text(alphabet="0123456789,-GPUMIabcdef /"))
def test_any_value_shows_devices_that_exist_once(devices: list[Device], value: str) -> None:
    shown = visible(devices, value)
    assert set(shown) <= set(devices)
    assert len(set(shown)) == len(shown)


@given(DEVICES)
def test_indexes_and_uuids_agree(devices: list[Device]) -> None:
    by_index = visible(devices, ",".join(map(str, range(len(devices)))))
    by_uuid = visible(devices, ",".join(device.uuid for device in devices))
    assert by_index == by_uuid == visible(devices, None)


@given(DEVICES)
def test_lowest_is_a_number_not_a_text(devices: list[Device]) -> None:
    known = [device.arch for device in devices if device.arch]
    assert lowest(devices) == (min(known, key=float) if known else None)


def test_a_uuid_is_more_than_its_beginning() -> None:
    assert visible([Device("only", "9.0", "GPU-aa")], "GPU-") == ()


@pytest.mark.parametrize(
    ("value", "names"),
    [("MIG-GPU-aa/1/0", ["one"]), ("MIG-7c33", ["two"]), ("GPU-", []), ("MIG-GPU-bb/1/0", [])],
    ids=["old form", "new form", "ambiguous", "of a whole GPU"],
)
def test_a_slice_stands_for_its_gpu(value: str, names: list[str]) -> None:
    old = value.startswith("MIG-GPU-")
    devices = [Device("one", "8.0", "GPU-aa", mig=old), Device("two", "9.0", "GPU-bb", mig=not old)]
    assert [device.name for device in visible(devices, value)] == names
