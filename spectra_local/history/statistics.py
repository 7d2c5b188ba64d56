"""Sums over the store for people: turns and tokens by layer and month, what speculation saved."""

from dataclasses import asdict
from typing import Any

from spectra_local.history.savings import Saved, saved_by_day
from spectra_local.history.store import Store


def statistics(store: Store) -> dict[str, Any]:
    """Plain values, ready for JSON. Raises StoreError."""
    days = saved_by_day(store.database)
    total = {name: sum(getattr(saved, name) for saved in days.values()) for name in Saved.__dataclass_fields__}
    total["passes_saved"] = max(0, total["predicted_n"] - total["steps"])
    return {
        "path": str(store.database.path),
        "bytes": store.size(),
        "cap": store.cap,
        "layers": [asdict(layer) for layer in store.layers()],
        "months": store.months(),
        "saved": total,
        "days": {day: asdict(saved) for day, saved in days.items()},
    }
