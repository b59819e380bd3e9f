"""What NNI's manager starts to speak to a tuner, in a process of its own that loads nothing else of gtn_nas.

NNI 3.0 gives each of two trials that start together the other's parameters, if the second asks first, and then tells
the tuner that the wrong one has ended; and a trial's end is handled beside its result, by another thread. TPE dies of
either (``KeyError`` at the result of what has "ended"), and the experiment waits for ever.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any

__all__ = ["make_dispatcher"]

_logger = logging.getLogger(__name__)


def make_dispatcher(tuner: str, arguments: dict[str, Any]) -> Any:
    """Return what tells a tuner what the trials say of themselves, in order, and says it when the tuner dies.

    Args:
        tuner: the name of one of NNI's.
        arguments: of its class.
    """
    import nni
    from nni.runtime.env_vars import dispatcher_env_vars
    from nni.runtime.msg_dispatcher import MsgDispatcher
    from nni.tools.package_utils.tuner_factory import create_builtin_class_instance
    from nni.utils import MetricType

    class OrderedDispatcher(MsgDispatcher):  # type: ignore[misc]
        """NNI's own with one queue, and the trials' own word for what they run."""

        def __init__(self) -> None:
            made = create_builtin_class_instance(tuner, arguments, "tuners")
            super().__init__(dispatcher_env_vars.NNI_TUNER_COMMAND_CHANNEL, made)
            self.parameters_of: dict[str, int] = {}
            self.settled: set[int] = set()  # what the tuner knows the result or the failure of

        def enqueue_command(self, command: Any, data: Any) -> None:
            self.default_command_queue.put((command, data))

        def process_command(self, command: Any, data: Any) -> None:
            try:
                super().process_command(command, data)
            except Exception:
                self.report_error(traceback.format_exc())  # which ends the experiment
                raise

        def handle_report_metric_data(self, data: dict[str, Any]) -> None:
            parameters = data["parameter_id"]
            self.parameters_of[data["trial_job_id"]] = parameters
            if data["type"] == MetricType.FINAL and self.is_news(parameters):
                super().handle_report_metric_data(data)

        def handle_trial_end(self, data: dict[str, Any]) -> None:
            if data["event"] == "SUCCEEDED":
                return  # its result has come, or is on its way
            meant = nni.load(data["hyper_params"])["parameter_id"]
            parameters = self.parameters_of.get(data["trial_job_id"], meant)
            if self.is_news(parameters):
                super().handle_trial_end({**data, "hyper_params": nni.dump({"parameter_id": parameters})})

        def is_news(self, parameters: int) -> bool:
            if parameters in self.settled:
                _logger.info("Parameters %s are settled already.", parameters)
                return False
            self.settled.add(parameters)
            return True

    return OrderedDispatcher()
