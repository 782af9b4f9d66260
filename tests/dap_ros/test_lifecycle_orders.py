"""Lifecycle transitions in every order, with frames flowing: each does what it says or is refused, nothing leaks."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from resources import Resources
from ros_process import Peer, RosProcess, raw_image
from sensor_msgs.msg import Image

from dap_ros.transport import qos

#: State after each transition that is allowed in a state.
GRAPH = {
    "unconfigured": {"configure": "inactive"},
    "inactive": {"activate": "active", "cleanup": "unconfigured"},
    "active": {"deactivate": "inactive"},
}
LABELS = ("configure", "activate", "deactivate", "cleanup", "destroy", "transition_error", "no_such_thing", "")
STEPS = 30


class Lifecycle:
    """The lifecycle services of the peer's target."""

    def __init__(self, peer: Peer, process: RosProcess) -> None:
        self._peer, self._process = peer, process
        self._change = peer.node.create_client(ChangeState, f"{peer.target}/change_state")
        self._get = peer.node.create_client(GetState, f"{peer.target}/get_state")
        assert peer.wait(lambda: self._change.service_is_ready() and self._get.service_is_ready())

    def request(self, label: str, number: int = 0) -> bool:
        """Whether a transition, by its label or its number, succeeded."""
        request = ChangeState.Request()
        request.transition.label, request.transition.id = label, number
        return self._answer(self._change.call_async(request)).success

    def state(self) -> str:
        return self._answer(self._get.call_async(GetState.Request())).current_state.label

    def _answer(self, future: Any) -> Any:
        assert self._peer.wait(future.done, 15.0), (self._process.process.poll(), self._process.log())
        return future.result()


@pytest.mark.parametrize("last", ["unconfigured", "inactive", "active"])
def test_a_random_walk_ends_in_shutdown(known_model: Path, last: str) -> None:
    rng = random.Random(last)
    parameters = {"model": str(known_model), "backend": "onnxruntime", "diagnostics_period": 0.1, "autostart": False}
    parameters |= {"overlap": "always"} if last == "active" else {}
    with (
        RosProcess("dap_ros.depth_node", parameters, {"__node": "walker", "image": "/walk/image"}) as process,
        Peer("/walker") as peer,
    ):
        depths = peer.listen("/depth/image", Image, depth=50)
        publisher = peer.node.create_publisher(Image, "/walk/image", qos("reliable", 5))
        image = raw_image(np.full((32, 64, 3), (50, 0, 0), np.uint8))
        peer.node.create_timer(0.01, lambda: publisher.publish(image))
        lifecycle = Lifecycle(peer, process)

        def flows() -> bool:
            depths.clear()
            return peer.wait(lambda: depths)

        def endpoints(count: int) -> bool:
            """Whether the node comes to have so many publishers of an output, and subscriptions to its input."""
            return peer.wait(
                lambda: (
                    peer.node.count_publishers("/depth/image") == peer.node.count_subscribers("/walk/image") == count
                ),
                5.0,
            )

        def silent() -> None:
            """What was on its way may still arrive, then nothing."""
            peer.spin(0.1)
            depths.clear()
            peer.spin(0.1)
            assert not depths

        def walk(steps: int, state: str) -> str:
            for step in range(steps):
                # Mostly forward, so that the walk gets about.
                label = rng.choice(LABELS) if rng.random() < 0.4 else rng.choice(list(GRAPH[state]))
                allowed = label in GRAPH[state]
                number = rng.choice((0, 77, 255)) if not label else rng.choice((0, 255))
                assert lifecycle.request(label, number) == allowed, (state, label, number, process.log())
                state = GRAPH[state].get(label, state)
                assert lifecycle.state() == state
                if state == "active" and step % 3 == 0:
                    assert flows(), process.log()
                elif state != "active" and step % 10 == 0:
                    silent()
            return state

        state = walk(STEPS, "unconfigured")
        resources = []
        for _ in range(3):
            state = walk(STEPS // 3, state)
            for label in {"active": ("deactivate", "cleanup"), "inactive": ("cleanup",)}.get(state, ()):
                assert lifecycle.request(label)
            for label in ("configure", "activate"):
                assert lifecycle.request(label)
            assert flows() and endpoints(1)
            state = "active"
            resources.append(Resources.of(process.process.pid))
        print(f"\nlifecycle: {resources}")
        assert len({(r.threads, r.files) for r in resources}) == 1, resources
        assert resources[-1].memory_mb < resources[0].memory_mb + 5.0, resources

        for label in {"active": (), "inactive": ("deactivate",), "unconfigured": ("deactivate", "cleanup")}[last]:
            assert lifecycle.request(label)
        assert lifecycle.state() == last
        assert lifecycle.request("shutdown") and lifecycle.state() == "finalized"
        silent()
        assert endpoints(0)
        for label in ("configure", "activate", "shutdown"):
            assert not lifecycle.request(label)
        assert peer.wait(lambda: peer.diagnostics("depth").get("message") == "not active")
        assert process.stop() == 0, process.log()
        assert "Traceback" not in process.log(), process.log()


def test_transitions_asked_for_by_number_are_refused_where_the_state_has_none(known_model: Path) -> None:
    """As lifecycle managers ask: one that configures a node which has configured itself must not end it."""
    parameters = {"model": str(known_model), "backend": "onnxruntime"}
    with RosProcess("dap_ros.depth_node", parameters, {"__node": "walker"}) as process, Peer("/walker") as peer:
        lifecycle = Lifecycle(peer, process)
        assert peer.wait(lambda: lifecycle.state() == "active")
        possible = {Transition.TRANSITION_DEACTIVATE, Transition.TRANSITION_ACTIVE_SHUTDOWN}
        for number in range(100):
            if number not in possible:
                assert not lifecycle.request("", number), number
        assert lifecycle.state() == "active"
        assert lifecycle.request("", Transition.TRANSITION_DEACTIVATE) and lifecycle.state() == "inactive"
        assert process.stop() == 0, process.log()
        assert "Traceback" not in process.log(), process.log()
