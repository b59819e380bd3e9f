"""Which devices serve, and what a result says of the machine and the packages it was made with."""

from __future__ import annotations

import json
import platform

import pytest
import torch

from gtn_nas.device import describe_hardware, describe_versions, pick_device
from gtn_nas.errors import UserError


@pytest.mark.parametrize("name", ["meta", "lazy", "gpu", "hpu"])
def test_a_device_must_compute(name: str) -> None:
    with pytest.raises(UserError, match=f"device '{name}' is not available here; use auto, cpu or cuda"):
        pick_device(name)


def test_the_processor_computes() -> None:
    assert pick_device("cpu") == torch.device("cpu")


def test_versions_name_what_a_result_depends_on() -> None:
    versions = describe_versions()
    assert set(versions) == {"gtn-nas", "torch", "python"}
    assert versions["torch"] == torch.__version__
    assert versions["python"] == platform.python_version()


def test_the_description_of_the_machine_can_be_stored() -> None:
    facts = describe_hardware(torch.device("cpu"))
    assert json.loads(json.dumps(facts)) == facts
    assert facts["threads"] == torch.get_num_threads()
