// Fields that usually say the same as another one: inside `<div data-follows="address">` an empty field takes what is typed into the
// field `address`, until somebody types into it.

import { all } from "../core/page";

const last = new WeakMap<HTMLInputElement, string>();

document.addEventListener("input", (event) => {
  const from = event.target as HTMLInputElement;
  if (!from.form || !from.name) return;
  for (const field of all<HTMLInputElement>(`[data-follows="${CSS.escape(from.name)}"] input`, from.form)) {
    if (field.value !== (last.get(field) ?? "")) continue;
    field.value = from.value;
    last.set(field, from.value);
  }
});
