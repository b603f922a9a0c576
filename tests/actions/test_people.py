"""People, their roles and passwords as administrators change them."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from postroom.actions.passwords import (
    find_password_link,
    make_password_link,
    set_password,
    set_password_by_link,
)
from postroom.actions.people import (
    change_person,
    create_person,
    delete_people,
    delete_person,
    switch_people,
    switch_person,
)
from postroom.actions.refusals import NotAllowed, Refused
from postroom.models import Case, Event, Interaction, InteractionState, OneTimeLink, Presence, Role, User
from tests.actions.desk import PASSWORD, administrator, agent, queue

pytestmark = pytest.mark.django_db


@pytest.mark.requirement("PE-01")
def test_a_person_is_made_with_role_and_capacity() -> None:
    values = {
        "email": "Eve@Desk.Test",
        "name": "Eve",
        "role": "supervisor",
        "capacity": 3,
        "password": PASSWORD,
    }
    eve = create_person(by=administrator(), values=values)
    assert (eve.email, eve.role, eve.capacity) == ("eve@desk.test", Role.SUPERVISOR, 3)
    assert eve.check_password(PASSWORD)


def test_a_person_without_a_password_cannot_sign_in() -> None:
    eve = create_person(by=None, values={"email": "eve@desk.test", "name": "Eve"})
    assert not eve.has_usable_password()


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"email": "eve"}, "email"),
        ({"email": "max@DESK.test"}, "email"),
        ({"name": ""}, "name"),
        ({"role": "owner"}, "role"),
        ({"capacity": 0}, "capacity"),
        ({"capacity": 101}, "capacity"),
        ({"language": "xx"}, "language"),
        ({"password": "short"}, "password"),
        ({"password": "password1234"}, "password"),
        ({"is_superuser": True}, "is_superuser"),
    ],
)
def test_every_refusal_names_the_field(values: dict[str, object], field: str) -> None:
    agent("Max")
    with pytest.raises(Refused) as no:
        create_person(by=None, values={"email": "eve@desk.test", "name": "Eve", **values})
    assert list(no.value.errors) == [field]
    assert User.objects.count() == 1


@pytest.mark.requirement("PE-01")
@pytest.mark.parametrize("role", [Role.AGENT, Role.SUPERVISOR])
def test_only_administrators_change_people(role: str) -> None:
    max_ = agent(role=role)
    for act in (
        lambda: create_person(by=max_, values={"email": "x@desk.test", "name": "X"}),
        lambda: change_person(max_, by=max_, values={"role": "administrator"}),
        lambda: set_password(max_, by=max_, password=PASSWORD),
        lambda: make_password_link(max_, by=max_),
        lambda: switch_person(max_, by=max_, on=False),
        lambda: delete_person(max_, by=max_),
    ):
        with pytest.raises(NotAllowed):
            act()


@pytest.mark.requirement("PE-01")
def test_the_last_active_administrator_stays() -> None:
    ada = administrator()
    administrator("Gone", is_active=False)
    for act in (
        lambda: change_person(ada, by=ada, values={"role": "agent"}),
        lambda: switch_person(ada, by=ada, on=False),
        lambda: delete_person(ada, by=None),
    ):
        with pytest.raises(Refused, match="last active administrator"):
            act()
    administrator("Ida")
    assert change_person(ada, by=ada, values={"role": "agent"}).role == Role.AGENT


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_remove_each_other_leave_one() -> None:
    ada, ida = administrator("Ada"), administrator("Ida")
    start = threading.Barrier(2)
    refused: list[str] = []

    def remove(who: User, by: User) -> None:
        start.wait(10)
        try:
            switch_person(who, by=by, on=False)
        except Refused as no:
            refused.append(no.text)
        finally:
            connection.close()

    both = [threading.Thread(target=remove, args=pair) for pair in ((ada, ida), (ida, ada))]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    assert User.objects.filter(is_active=True).count() == 1
    assert len(refused) == 1


def test_whoever_may_not_sign_in_any_more_gives_work_back() -> None:
    max_ = agent()
    max_.set_presence(Presence.AVAILABLE)
    max_.save()
    work = [
        Interaction.objects.create(case=Case.objects.create(), queue=queue(state), state=state, agent=max_)
        for state in (InteractionState.HANDLING, InteractionState.PARKED, InteractionState.FINISHED)
    ]
    max_ = switch_person(max_, by=None, on=False)
    assert (max_.is_active, max_.presence) == (False, Presence.LOGGED_OUT)
    states = [Interaction.objects.get(pk=one.pk).state for one in work]
    assert states == [InteractionState.WAITING, InteractionState.WAITING, InteractionState.FINISHED]
    assert Event.objects.filter(kind="interaction.returned").count() == 2
    assert switch_person(max_, by=None, on=True).is_active


def test_who_worked_is_deactivated_not_deleted() -> None:
    max_, eve = agent("Max"), agent("Eve")
    Interaction.objects.create(
        case=Case.objects.create(), queue=queue(), state=InteractionState.FINISHED, agent=max_
    )
    with pytest.raises(Refused, match="Deactivate them instead"):
        delete_person(max_, by=None)
    outcome = delete_people([max_, eve], by=None)
    assert outcome.done == [eve]
    assert switch_people([max_], by=None, on=False).done == [max_]


def test_nobody_deletes_themselves() -> None:
    ada, _ = administrator("Ada"), administrator("Ida")
    with pytest.raises(Refused, match="yourself"):
        delete_person(ada, by=ada)


def test_a_link_sets_a_password_once() -> None:
    max_ = agent()
    old = make_password_link(max_, by=None)
    token = make_password_link(max_, by=None)
    assert find_password_link(old) is None
    assert find_password_link(token) is not None
    with pytest.raises(Refused) as no:
        set_password_by_link(token, password="short")
    assert "12" in no.value.errors["password"]
    assert set_password_by_link(token, password="another lamp in the sea").pk == max_.pk
    max_.refresh_from_db()
    assert max_.check_password("another lamp in the sea")
    for stale in (token, old, "", "x"):
        with pytest.raises(Refused):
            set_password_by_link(stale, password=PASSWORD)


def test_an_old_link_and_one_of_a_deactivated_person_do_not_work() -> None:
    max_, ada = agent(), administrator()
    token = make_password_link(max_, by=ada)
    OneTimeLink.objects.update(expires=timezone.now() - timedelta(seconds=1))
    with pytest.raises(Refused):
        set_password_by_link(token, password=PASSWORD)
    token = make_password_link(max_, by=ada)
    switch_person(max_, by=ada, on=False)
    assert find_password_link(token) is None
    with pytest.raises(Refused):
        set_password_by_link(token, password=PASSWORD)
    with pytest.raises(Refused):
        make_password_link(max_, by=ada)


def test_no_event_holds_a_password() -> None:
    max_ = create_person(by=None, values={"email": "max@desk.test", "name": "Max", "password": PASSWORD})
    set_password(max_, by=None, password="another lamp in the sea")
    told = str([event.data for event in Event.objects.all()])
    assert "lamp" not in told
    assert "argon2" not in told
