"""Who serves which queue: a setup file says it by the queue's `members` or by the person's `queues`; what either says holds."""

from __future__ import annotations

from collections.abc import Mapping

from postroom.actions.queues import set_members
from postroom.actions.setup.problems import Problem
from postroom.actions.setup.run import Run
from postroom.models import Queue, User


def serve(run: Run) -> None:
    """Make the memberships what the file says, after its queues and people are there."""
    emails = {person.pk: person.email for person in User.objects.all()}
    for queue in Queue.objects.all():
        wanted = _wanted(run, queue, emails)
        present = set(queue.members.values_list("pk", flat=True))
        if wanted != present:
            set_members(queue, by=run.by, people=User.objects.filter(pk__in=wanted))
            added = [f"+{emails[pk]}" for pk in sorted(wanted - present)]
            removed = [f"-{emails[pk]}" for pk in sorted(present - wanted)]
            run.tell("queue", queue.name, "members " + " ".join(added + removed))
    _tell_unknown(run, emails)


def _wanted(run: Run, queue: Queue, emails: Mapping[int, str]) -> set[int]:
    said = run.members.get(queue.pk)
    if said is None:
        wanted = set(queue.members.values_list("pk", flat=True)) - set(run.queues_of)
    else:
        listed = {email.strip().lower() for email in said}
        wanted = {pk for pk, email in emails.items() if email in listed}
    return wanted | {pk for pk, names in run.queues_of.items() if queue.name in names}


def _tell_unknown(run: Run, emails: Mapping[int, str]) -> None:
    """Names that are nowhere. A row of the file that was refused has told its own fault already."""
    names = dict(Queue.objects.values_list("pk", "name"))
    queues = {*names.values(), *(str(entry.get("name")) for entry in run.entries.get("queue", ()))}
    people = {*emails.values(), *(str(entry.get("email")).lower() for entry in run.entries.get("person", ()))}
    for pk, said in run.members.items():
        for email in said:
            if email.strip().lower() not in people:
                run.problems.append(
                    Problem(f"There is no person {email!r}. Add a [[person]].", "queue", names[pk], "members")
                )
    for pk, said in run.queues_of.items():
        for name in said:
            if name not in queues:
                run.problems.append(
                    Problem(f"There is no queue {name!r}. Add a [[queue]].", "person", emails[pk], "queues")
                )
