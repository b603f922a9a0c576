"""Rights: who sees and works on what, by role, queue and whose hands a case is in."""

from __future__ import annotations

import pytest

from postroom.models import Case, Interaction, InteractionState, Queue
from postroom.models.rights import in_hand, may_see, may_work_on, visible_cases, visible_queues
from tests.desk import make_agent, make_desk

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("SA-04")]


@pytest.fixture
def desk():
    return make_desk()


def work(queue, *, agent=None, state=InteractionState.WAITING) -> Interaction:
    case = Case.objects.create(subject="Parcel", queue=queue)
    return Interaction.objects.create(case=case, queue=queue, agent=agent, state=state)


def test_agents_see_the_queues_they_serve_and_supervisors_all(desk):
    other = Queue.objects.create(name="Other")
    assert set(visible_queues(desk.agent)) == {desk.queue}
    assert {desk.queue, other} <= set(visible_queues(desk.supervisor))
    assert set(visible_queues(desk.administrator)) == set(visible_queues(desk.supervisor))


def test_a_case_of_another_queue_is_not_seen_until_one_has_worked_on_it(desk):
    other = Queue.objects.create(name="Other")
    foreign = work(other)
    assert not may_see(desk.agent, foreign.case)
    assert not visible_cases(desk.agent).exists()
    assert may_see(desk.supervisor, foreign.case)
    Interaction.objects.create(
        case=foreign.case, queue=other, agent=desk.agent, state=InteractionState.FINISHED
    )
    assert may_see(desk.agent, foreign.case)


def test_a_case_without_a_queue_is_seen_by_supervisors_only(desk):
    case = Case.objects.create(subject="Nowhere")
    assert not may_see(desk.agent, case)
    assert may_see(desk.supervisor, case)


def test_a_case_with_much_work_is_listed_once(desk):
    case = work(desk.queue, agent=desk.agent, state=InteractionState.FINISHED).case
    for _ in range(3):
        Interaction.objects.create(
            case=case, queue=desk.queue, agent=desk.agent, state=InteractionState.FINISHED
        )
    assert list(visible_cases(desk.agent)) == [case]


@pytest.mark.parametrize(
    "state", [InteractionState.OFFERED, InteractionState.HANDLING, InteractionState.PARKED]
)
def test_only_who_holds_a_case_may_write_in_it_and_supervisors(desk, state):
    colleague = make_agent(desk.queue)
    mine = work(desk.queue, agent=desk.agent, state=state).case
    assert may_work_on(desk.agent, mine)
    assert not may_work_on(colleague, mine)
    assert may_see(colleague, mine)
    assert may_work_on(desk.supervisor, mine)


@pytest.mark.parametrize("state", [InteractionState.WAITING, InteractionState.FINISHED])
def test_what_nobody_holds_may_be_taken_by_the_agents_of_its_queue(desk, state):
    stranger = make_agent(Queue.objects.create(name="Other"))
    case = work(desk.queue, state=state).case
    assert may_work_on(desk.agent, case)
    assert not may_work_on(stranger, case)


def test_leaving_a_queue_takes_its_cases_out_of_sight(desk):
    case = work(desk.queue).case
    assert may_see(desk.agent, case)
    desk.queue.members.clear()
    assert not may_see(desk.agent, case)
    assert not may_work_on(desk.agent, case)


def test_offered_and_handled_work_is_in_hand_and_nothing_else(desk):
    held = {
        work(desk.queue, agent=desk.agent, state=state).pk
        for state in (InteractionState.OFFERED, InteractionState.HANDLING)
    }
    for state in (InteractionState.PARKED, InteractionState.FINISHED):
        work(desk.queue, agent=desk.agent, state=state)
    work(desk.queue)
    work(desk.queue, agent=make_agent(desk.queue), state=InteractionState.HANDLING)
    assert set(in_hand(desk.agent).values_list("pk", flat=True)) == held
