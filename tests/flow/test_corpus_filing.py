"""Every file of the corpus of real letters is stored byte for byte and filed, or stuck with a reason; none raises."""

from __future__ import annotations

from collections import Counter

import pytest

from postroom.flow import file
from postroom.models import LetterState, Message, RawMessage
from postroom.models.blob import blobs
from tests.corpus import samples
from tests.desk import make_desk

pytestmark = [pytest.mark.django_db, pytest.mark.corpus]


@pytest.mark.requirement("RX-03", "RX-06", "PL-04")
def test_every_file_of_the_corpus_is_stored_and_filed(capsys):
    desk = make_desk()
    stored: dict[int, bytes] = {}
    for number, path in enumerate(samples(), 1):
        raw = path.read()
        reference, digest = blobs().append(raw)
        row = RawMessage.objects.create(
            channel=desk.channel,
            uid=str(number),
            validity="1",
            blob=reference,
            sha256=digest.hex(),
            size=len(raw),
        )
        stored[row.pk] = raw
    blobs().sync()
    batches_that_failed = 0
    real = file.file_alone

    def alone(row):
        nonlocal batches_that_failed
        batches_that_failed += 1
        return real(row)

    file.file_alone, before = alone, file.file_alone
    try:
        while file.file_next():
            pass
    finally:
        file.file_alone = before
    states = Counter(RawMessage.objects.values_list("state", flat=True))
    with capsys.disabled():
        print(f"\ncorpus: {len(stored)} files, {dict(states)}")
    assert states.keys() <= {LetterState.FILED, LetterState.IGNORED}, RawMessage.objects.filter(
        state="stuck"
    ).values_list("reason", flat=True)
    assert batches_that_failed == 0
    assert all(blobs().read(row.blob) == stored[row.pk] for row in RawMessage.objects.all())
    assert Message.objects.count() == states[LetterState.FILED]
