"""What NNI's manager starts to speak to a tuner, in a process of its own: nothing of gtn_nas is imported here.

NNI 3.0 gives each of two trials that start together the other's parameters, if the second asks first, and then tells
the tuner that the wrong one has ended; and a trial's end is handled beside its result, by another thread. TPE dies of
either (``KeyError`` at the result of what has "ended"), and the experiment waits for ever.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any

import nni
from nni.runtime.env_vars import dispatcher_env_vars
from nni.runtime.msg_dispatcher import MsgDispatcher
from nni.tools.package_utils.tuner_factory import create_builtin_class_instance
from nni.utils import MetricType

__all__ = ["OrderedDispatcher"]

_logger = logging.getLogger(__name__)


class OrderedDispatcher(MsgDispatcher):  # type: ignore[misc]
    """Tell a tuner what the trials say of themselves, in the order in which it came, and say it when the tuner dies.

    Args:
        tuner: the name of one of NNI's.
        arguments: of its class.
    """

    def __init__(self, tuner: str, arguments: dict[str, Any]) -> None:
        made = create_builtin_class_instance(tuner, arguments, "tuners")
        super().__init__(dispatcher_env_vars.NNI_TUNER_COMMAND_CHANNEL, made)
        self._parameters_of: dict[str, int] = {}  # what a trial runs, by its own word
        self._settled: set[int] = set()  # what the tuner knows the result or the failure of

    def enqueue_command(self, command: Any, data: Any) -> None:
        """Take one thing after the other."""
        self.default_command_queue.put((command, data))

    def process_command(self, command: Any, data: Any) -> None:
        """Do as told; an error ends the experiment instead of this process alone."""
        try:
            super().process_command(command, data)
        except Exception:
            self.report_error(traceback.format_exc())
            raise

    def handle_report_metric_data(self, data: dict[str, Any]) -> None:
        """Hand over a result, the first of its parameters."""
        parameters = data["parameter_id"]
        self._parameters_of[data["trial_job_id"]] = parameters
        if data["type"] == MetricType.FINAL and self._is_news(parameters):
            super().handle_report_metric_data(data)

    def handle_trial_end(self, data: dict[str, Any]) -> None:
        """Tell the tuner of a failure; a trial that succeeded has a result, or it is on its way."""
        if data["event"] == "SUCCEEDED":
            return
        meant = nni.load(data["hyper_params"])["parameter_id"]
        parameters = self._parameters_of.get(data["trial_job_id"], meant)
        if self._is_news(parameters):
            super().handle_trial_end({**data, "hyper_params": nni.dump({"parameter_id": parameters})})

    def _is_news(self, parameters: int) -> bool:
        if parameters in self._settled:
            _logger.info("Parameters %s are settled already.", parameters)
            return False
        self._settled.add(parameters)
        return True
