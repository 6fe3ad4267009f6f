"""Rules across the fields of a file, one small function each: a draft in, problems out."""

from collections.abc import Callable, Iterator
from typing import Final

from generator.thresholds.checks import alerts, objectives, service, targets
from generator.thresholds.draft import Draft
from generator.thresholds.problems import Problem

CHECKS: Final[tuple[Callable[[Draft], Iterator[Problem]], ...]] = (
    service.buckets_rise,
    service.intervals_fit_the_lookback,
    service.jobs_differ,
    service.labels_are_free,
    service.label_values_are_no_templates,
    objectives.objectives_leave_a_budget,
    objectives.fast_enough_is_a_bucket,
    objectives.windows_of_a_pace_rise,
    objectives.burns_can_be_reached,
    service.refresh_is_slow_enough,
    targets.levels_are_in_order,
    targets.levels_leave_room_below,
    targets.rows_are_in_order,
    targets.loads_rise,
    targets.loads_have_an_end,
    targets.weak_score_is_a_bucket,
    alerts.names_exist,
    alerts.rows_reach_their_levels,
    alerts.severities_are_set,
    alerts.conditions_have_one_severity,
    alerts.severities_are_in_order,
    alerts.bounds_can_be_read,
    alerts.shares_can_be_exceeded,
    alerts.windows_hold_two_samples,
    alerts.leaks_outlast_a_jump,
)
