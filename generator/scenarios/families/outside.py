"""Instances that are gone, as seen from outside and without that view."""

from __future__ import annotations

from dataclasses import replace

from generator.alerts.families.outside import SERVICE
from generator.alerts.testcases.inputs import THERE
from generator.scenarios import Events, ScenarioContext, Span, steady
from generator.scenarios.instance import Instance

FAMILY = "availability"
_GONE = ("sidecar not scraped", "instance lost")


def _unscraped(instance: Instance) -> Instance:
    """What blackbox_exporter sees alone, as of a service whose pods are other targets."""
    return replace(instance, scrapes=steady("unknown"))


def _unprobed(instance: Instance) -> Instance:
    return replace(instance, probes=steady("unknown"))


def host_is_killed(context: ScenarioContext) -> Events:
    """The machine of the service and its sidecar loses power. Then it is back."""
    incident = context.incident("unreachable", outlasts=("sidecar_down",))
    return incident.events(context.healthy().killed(incident), also=_GONE)


def host_is_killed_without_blackbox(context: ScenarioContext) -> Events:
    """The machine loses power, and nothing probes the service from outside. Then it is back."""
    incident = context.incident("instance_lost", outlasts=("sidecar_down",))
    killed = _unprobed(context.healthy()).killed(incident)
    return incident.events(killed, also=("sidecar not scraped",))


def one_of_two_hosts_is_killed(context: ScenarioContext) -> Events:
    """One of two machines loses power, and the other one goes on. Then it is back."""
    incident = context.incident("unreachable", instance=THERE, outlasts=("sidecar_down",))
    there = context.healthy(THERE).killed(incident)
    return incident.events(context.healthy(), there, also=_GONE)


def every_pod_is_gone(context: ScenarioContext) -> Events:
    """No pod can be scheduled, so no target is left but the Service. Then pods are back."""
    incident = context.incident("unreachable", instance=SERVICE, outlasts=("no_targets",))
    pod = _unprobed(context.healthy("auditor/auditor-1")).during(incident, scrapes="unknown")
    service = _unscraped(context.healthy(SERVICE)).during(incident, reachable=False)
    return incident.events(pod, service, also=("targets unknown",))


def node_of_one_pod_is_lost(context: ScenarioContext) -> Events:
    """The node of one of two pods is lost, and the other pod answers. Then the node is back."""
    first, second = "auditor/auditor-1", "auditor/auditor-2"
    incident = context.incident("sidecar_down", instance=second)
    lost = _unprobed(context.healthy(second)).during(incident, scrapes="failed")
    return incident.events(
        _unprobed(context.healthy(first)), lost, _unscraped(context.healthy(SERVICE))
    )


def firewall_blocks_clients(context: ScenarioContext) -> Events:
    """A firewall blocks the API but not the sidecar, so clients get no answer. It is opened."""
    incident = context.incident("unreachable")
    blocked = context.healthy().during(incident, reachable=False, requests=0.0, clients=0.0)
    return incident.events(blocked, also=("no traffic",))


def blackbox_is_down(context: ScenarioContext) -> Events:
    """blackbox_exporter stops and stays down for a while. The service is healthy."""
    incident = context.incident("blackbox_down")
    return incident.events(context.healthy().during(incident, probes="failed"))


def rolling_deploy_with_surge(context: ScenarioContext) -> Events:
    """A deploy starts a new pod before it ends an old one. It takes ten minutes for both."""
    start, step, length = 3600.0, 300.0, 4 * 3600.0
    lives = ((0.0, start + step), (0.0, start + 2 * step), (start, length), (start + step, length))
    pods = []
    for number, (first, last) in enumerate(lives):
        pod = _unprobed(context.healthy(f"auditor/auditor-{number}"))
        before, after = Span(0.0, first), Span(last, 2 * length)
        pods.append(pod.during(before, scrapes="unknown").during(after, scrapes="unknown"))
    return Events(length=length, instances=(*pods, _unscraped(context.healthy(SERVICE))))
