"""What the command palette and the address field find on the server, as JSON."""

from __future__ import annotations

from django.db.models import Q
from django.http import HttpRequest, JsonResponse
from django.urls import reverse
from django.views.decorators.http import require_GET

from postroom.models import ContactAddress
from postroom.models.rights import visible_cases
from postroom.reports.workspace import Row, listing
from postroom.web.signed import person, signed_in

MOST = 8


@signed_in
@require_GET
def palette(request: HttpRequest) -> JsonResponse:
    """Cases that match, and the way to all of them."""
    query = request.GET.get("q", "").strip()[:200]
    if len(query) < 2:
        return JsonResponse([], safe=False)
    found = listing(person(request), "search", query=query)
    assert found is not None
    everything = {
        "group": "Search",
        "label": f"Search for “{query}”",
        "url": f"{reverse('search')}?q={query}",
        "icon": "search",
    }
    return JsonResponse([*(_entry(row) for row in found.rows[:MOST]), everything], safe=False)


def _entry(row: Row) -> dict[str, str]:
    return {
        "group": "Cases",
        "label": row.case.subject or "(no subject)",
        "hint": f"{row.name} · {row.case.reference}",
        "url": f"{reverse('case', args=[row.case.pk])}?in=mine",
        "icon": "mail",
    }


@signed_in
@require_GET
def contacts(request: HttpRequest) -> JsonResponse:
    """Known addresses that begin so; agents are offered only people they have cases with."""
    query = request.GET.get("q", "").strip()[:100]
    if len(query) < 2:
        return JsonResponse([], safe=False)
    user = person(request)
    found = ContactAddress.objects.filter(
        Q(key__startswith=query.lower()) | Q(contact__name__istartswith=query)
    ).select_related("contact")
    if not user.is_supervisor:
        found = found.filter(contact__in=visible_cases(user).values("contact"))
    return JsonResponse(
        [{"name": one.contact.name, "address": one.address} for one in found.order_by("key")[:MOST]],
        safe=False,
    )
