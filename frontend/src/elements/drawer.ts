// Dialogs. `data-opens="#id"` opens a dialog; what htmx puts into `#drawer` opens the drawer; `data-close` closes; a server may
// close it by `HX-Trigger: drawer:close`. Without scripts the same links lead to whole pages.

import { all, visible } from "../core/page";

const drawer = (): HTMLDialogElement | null => document.querySelector<HTMLDialogElement>("dialog#drawer");

export function open(dialog: HTMLDialogElement): void {
  if (!dialog.open) dialog.showModal();
  const first = dialog.querySelector<HTMLElement>("[autofocus], [aria-invalid='true'], input:not([type=hidden]), select, textarea");
  if (first && visible(first)) first.focus();
}

function clicked(event: MouseEvent): void {
  const target = event.target as HTMLElement;
  const opener = target.closest<HTMLElement>("[data-opens]");
  if (opener) {
    const dialog = document.querySelector<HTMLDialogElement>(opener.dataset["opens"]!);
    if (dialog) (event.preventDefault(), open(dialog));
  }
  const dialog = target.closest("dialog");
  const outside = target === dialog && !dialog.matches("[data-stay]") && isOutside(dialog, event);
  if (dialog && (target.closest("[data-close]") || outside)) (event.preventDefault(), dialog.close());
}

function isOutside(dialog: HTMLDialogElement, { clientX: x, clientY: y }: MouseEvent): boolean {
  const at = dialog.getBoundingClientRect();
  return (x !== 0 || y !== 0) && (x < at.left || x > at.right || y < at.top || y > at.bottom);
}

document.addEventListener("click", clicked);
document.addEventListener("htmx:after:swap", () => {
  const dialog = drawer();
  if (dialog?.firstElementChild && !dialog.open) open(dialog);
  else if (dialog?.open && !dialog.firstElementChild) dialog.close();
});
document.addEventListener("drawer:close", () => drawer()?.close());
document.addEventListener(
  "close",
  (event) => {
    if (event.target !== drawer()) return;
    const back = drawer()!.dataset["back"];
    drawer()!.replaceChildren();
    if (back && location.pathname !== back) history.pushState({ htmx: true }, "", back);
  },
  true,
);
for (const dialog of all<HTMLDialogElement>("dialog[data-open-now]")) open(dialog);
