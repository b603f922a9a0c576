"""Queues, their members and dispositions as administrators change them."""

from __future__ import annotations

import pytest

from postroom.actions.dispositions import (
    change_disposition,
    create_disposition,
    delete_disposition,
    find_disposition,
    path_of,
)
from postroom.actions.queues import (
    add_member,
    change_queue,
    create_queue,
    delete_queue,
    delete_queues,
    remove_member,
    set_members,
    set_queues,
)
from postroom.actions.refusals import NotAllowed, Refused
from postroom.models import Case, Channel, Disposition, Event, Interaction, InteractionState, Queue
from tests.actions.desk import agent, queue

pytestmark = pytest.mark.django_db


@pytest.mark.requirement("RO-01")
@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"name": "Help", "colour": "beige"}, "colour"),
        ({"name": "Help", "priority": 10}, "priority"),
        ({"name": "Help", "offer_seconds": 0}, "offer_seconds"),
        ({"name": "Help", "target_minutes": -1}, "target_minutes"),
        ({"name": "Help", "default_sender": "Nobody"}, "default_sender"),
        ({"name": "Help", "owner": "me"}, "owner"),
    ],
)
def test_every_refusal_names_the_field(values: dict[str, object], field: str) -> None:
    with pytest.raises(Refused) as no:
        create_queue(by=None, values=values)
    assert list(no.value.errors) == [field]


@pytest.mark.requirement("RO-01")
def test_a_queue_is_made_and_changed() -> None:
    made = create_queue(by=None, values={"name": "Help", "priority": 2})
    made = change_queue(made, by=None, values={"target_minutes": 60, "is_open": "no"})
    assert (made.priority, made.target_minutes, made.is_open) == (2, 60, False)
    with pytest.raises(Refused):
        create_queue(by=None, values={"name": "HELP"})
    with pytest.raises(NotAllowed):
        change_queue(made, by=agent(), values={"name": "x"})


def interaction(place: Queue, state: str) -> Interaction:
    return Interaction.objects.create(case=Case.objects.create(), queue=place, state=state)


def test_a_queue_that_is_fed_or_holds_work_is_not_deleted() -> None:
    place = queue()
    channel = Channel.objects.create(name="Web", key="WEB", address="web@desk.test", default_queue=place)
    with pytest.raises(Refused, match="1 channel feed Support: Web"):
        delete_queue(place, by=None)
    channel.delete()
    work = [interaction(place, InteractionState.WAITING) for _ in range(2)]
    with pytest.raises(Refused, match="2 emails in Support are not finished"):
        delete_queue(place, by=None)
    for one in work:
        Interaction.objects.filter(pk=one.pk).update(state=InteractionState.FINISHED)
    with pytest.raises(Refused, match="Close the queue instead"):
        delete_queue(place, by=None)
    other = queue("Sales")
    assert delete_queues([place, other], by=None).done == [other]


@pytest.mark.requirement("RO-01")
def test_members_are_set_added_and_removed() -> None:
    place, max_, eve = queue(), agent("Max"), agent("Eve")
    set_members(place, by=None, people=[max_])
    add_member(place, by=None, person=eve)
    remove_member(place, by=None, person=max_)
    assert list(place.members.all()) == [eve]
    changes = [
        event.data["added"] + event.data["removed"] for event in Event.objects.filter(kind="queue.members")
    ]
    assert changes == [["max@desk.test"], ["eve@desk.test"], ["max@desk.test"]]
    set_members(place, by=None, people=[eve])
    assert Event.objects.filter(kind="queue.members").count() == 3


def test_a_person_serves_exactly_the_given_queues() -> None:
    one, two, three, max_ = queue("One"), queue("Two"), queue("Three"), agent()
    set_queues(max_, by=None, queues=[one, two])
    set_queues(max_, by=None, queues=[two, three])
    assert {place.name for place in max_.queues.all()} == {"Two", "Three"}


@pytest.mark.requirement("RO-12")
def test_dispositions_are_a_tree_of_three_levels() -> None:
    one = create_disposition(by=None, values={"name": "Solved"})
    two = create_disposition(by=None, values={"name": "By phone", "parent": one})
    three = create_disposition(by=None, values={"name": "At night", "parent": two})
    assert path_of(three) == "Solved > By phone > At night"
    assert find_disposition("Solved > By phone > At night", None) == three
    assert find_disposition("Solved > At night", None) is None
    for values in ({"name": "Deep", "parent": three}, {"name": "a > b"}, {"name": "solved"}):
        with pytest.raises(Refused):
            create_disposition(by=None, values=values)
    with pytest.raises(Refused, match="below itself"):
        change_disposition(one, by=None, values={"parent": two})
    top = create_disposition(by=None, values={"name": "Top"})
    with pytest.raises(Refused, match="3 levels"):
        change_disposition(one, by=None, values={"parent": top})


@pytest.mark.requirement("RO-12")
def test_a_disposition_in_use_is_taken_out_of_use_not_deleted() -> None:
    top = create_disposition(by=None, values={"name": "Solved"})
    used = create_disposition(by=None, values={"name": "By phone", "parent": top})
    work = interaction(queue(), InteractionState.FINISHED)
    Interaction.objects.filter(pk=work.pk).update(disposition=used)
    for one in (top, used):
        with pytest.raises(Refused):
            delete_disposition(one, by=None)
    assert not change_disposition(used, by=None, values={"active": False}).active
    Interaction.objects.update(disposition=None)
    delete_disposition(used, by=None)
    delete_disposition(top, by=None)
    assert not Disposition.objects.exists()


def test_a_disposition_belongs_to_the_queue_of_its_parent() -> None:
    one, two = queue("One"), queue("Two")
    top = create_disposition(by=None, values={"name": "Solved", "queue": one})
    with pytest.raises(Refused) as no:
        create_disposition(by=None, values={"name": "By phone", "parent": top, "queue": two})
    assert "another queue" in no.value.errors["parent"]
