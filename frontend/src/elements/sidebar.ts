// The sidebar on a narrow window: a menu that slides over. Its links work by `#side` alone; this keeps the address clean and the focus right.
// Also the panes of the workspace, of which a narrow window shows one: `data-pane-to="list|thread|context"`.

const root = document.documentElement;

function show(on: boolean): void {
  root.dataset["menu"] = on ? "open" : "";
  for (const button of document.querySelectorAll("[data-menu-open]")) button.setAttribute("aria-expanded", String(on));
  (on ? document.querySelector<HTMLElement>("#side a, #side button") : document.querySelector<HTMLElement>("[data-menu-open]"))?.focus();
}

/** Which pane a narrow window shows. */
export function showPane(name: string): void {
  const work = document.querySelector<HTMLElement>(".work");
  if (work) work.dataset["pane"] = name;
}

document.addEventListener("click", (event) => {
  const target = event.target as Element;
  if (target.closest("[data-menu-open]")) (event.preventDefault(), show(true));
  else if (target.closest("[data-menu-close]")) (event.preventDefault(), show(false));
  const to = target.closest<HTMLElement>("[data-pane-to]");
  if (to) (event.preventDefault(), showPane(to.dataset["paneTo"]!));
  const toggle = target.closest<HTMLElement>("[data-context-toggle]");
  if (toggle) toggleContext();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && root.dataset["menu"] === "open") show(false);
});

function toggleContext(): void {
  const work = document.querySelector<HTMLElement>(".work");
  if (!work) return;
  if (matchMedia("(max-width: 1180px)").matches) return showPane(work.dataset["pane"] === "context" ? "thread" : "context");
  const off = work.dataset["context"] !== "off";
  work.dataset["context"] = off ? "off" : "";
  localStorage.setItem("context", off ? "off" : "");
}

const work = document.querySelector<HTMLElement>(".work");
if (work && localStorage.getItem("context") === "off") work.dataset["context"] = "off";
