"""torchvision beside any build of torch, each case in an interpreter of its own."""

DECLARE = "from gtn_nas.data.torchvision_ops import declare_missing_operators as declare\n"


def test_torchvision_works_after_the_declaration_and_a_second_one_adds_nothing(run_python):
    printed = run_python(
        DECLARE
        + """
first, second = declare(), declare()
import torch, torchvision
grid = torchvision.utils.make_grid(torch.rand(6, 1, 8, 8), nrow=3)
print(sorted(first), second, tuple(grid.shape))
"""
    )
    assert printed in ("['nms', 'qnms'] [] (3, 22, 32)", "[] [] (3, 22, 32)")


def test_operators_that_exist_are_left_alone(run_python):
    printed = run_python(
        """
import torch
own = torch.library.Library("torchvision", "FRAGMENT")
own.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
own.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
import gtn_nas.data.torchvision_ops as ops
ops._load_own_library = lambda: None  # it would define them a second time
print(ops.declare_missing_operators())
"""
    )
    assert printed == "[]"
