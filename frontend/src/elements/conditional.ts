// Fields that matter only with another field's value: `data-visible-if="security=starttls,tls"`. Hidden ones are not sent.
// Without scripts all are shown, and the server ignores what does not matter.

import { all } from "../core/page";

function valueOf(form: HTMLFormElement, name: string): string {
  const fields = all<HTMLInputElement>(`[name="${CSS.escape(name)}"]`, form).filter((f) => f.type !== "hidden");
  const one = fields.find((f) => f.type !== "radio" || f.checked);
  if (one?.type === "checkbox") return String(one.checked);
  return one?.value ?? "";
}

function update(form: HTMLFormElement): void {
  for (const part of all("[data-visible-if]", form)) {
    const [name, wanted] = part.dataset["visibleIf"]!.split("=", 2) as [string, string];
    const values = wanted.split(",").map((v) => v.toLowerCase());
    part.hidden = !values.includes(valueOf(form, name).toLowerCase());
    for (const field of all<HTMLInputElement>("input, select, textarea", part)) field.disabled = part.hidden;
  }
}

const updateAll = (): void => all<HTMLFormElement>("form:has([data-visible-if])").forEach(update);

document.addEventListener("change", (event) => {
  const form = (event.target as HTMLInputElement).form;
  if (form?.querySelector("[data-visible-if]")) update(form);
});
document.addEventListener("htmx:after:swap", updateAll);
updateAll();
