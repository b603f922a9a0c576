// Light, dark or as the system has it. The choice lives in a cookie, so the server writes `data-theme` and no page ever flashes.

const YEAR = 365 * 24 * 3600;

export function setTheme(theme: string): void {
  document.documentElement.dataset["theme"] = theme === "auto" ? "" : theme;
  document.cookie = `theme=${theme};path=/;max-age=${YEAR};samesite=lax${location.protocol === "https:" ? ";secure" : ""}`;
  mark(theme);
}

function mark(theme: string): void {
  for (const button of document.querySelectorAll("[data-theme-set]")) {
    const chosen = button.getAttribute("data-theme-set") === theme;
    button.setAttribute(button.getAttribute("role") === "menuitemradio" ? "aria-checked" : "aria-pressed", String(chosen));
  }
}

document.addEventListener("click", (event) => {
  const button = (event.target as Element).closest("[data-theme-set]");
  if (button) setTheme(button.getAttribute("data-theme-set") ?? "auto");
});

mark(document.documentElement.dataset["theme"] || "auto");
