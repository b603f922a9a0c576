// Files of a letter: by drop, paste or the picker. Each goes up at once to `data-upload-url` and is sent with the letter by its id.
//
// The server answers an upload with JSON {"id": "...", "name": "...", "size": 123}. `data-limit` (bytes) is refused here before it starts.

import { all, csrf, icon, make, word } from "../core/page";
import { toast } from "../elements/toast";
import type { Writing } from "./writing";

export function attachFiles(form: HTMLFormElement, writing: Writing, changed: () => void): void {
  const url = form.dataset["uploadUrl"];
  const place = form.querySelector<HTMLElement>("[data-files]");
  if (!url || !place) return;
  const take = (files: FileList | null | undefined): void => [...(files ?? [])].forEach((file) => upload(form, place, url, file, changed));
  const picker = form.querySelector<HTMLInputElement>("input[type=file]");
  picker?.addEventListener("change", () => (take(picker.files), (picker.value = "")));
  form.addEventListener("dragover", (event) => hasFiles(event) && (event.preventDefault(), form.classList.add("drop")));
  form.addEventListener("dragleave", (event) => !form.contains(event.relatedTarget as Node) && form.classList.remove("drop"));
  form.addEventListener("drop", (event) => hasFiles(event) && (event.preventDefault(), form.classList.remove("drop"), take(event.dataTransfer?.files)), true);
  writing.root.addEventListener("paste", (event) => pasted(event, take), true);
  place.addEventListener("click", (event) => {
    const remove = (event.target as Element).closest("[data-remove]");
    if (remove) (remove.closest(".file")?.remove(), changed());
  });
}

const hasFiles = (event: DragEvent): boolean => [...(event.dataTransfer?.types ?? [])].includes("Files");

/** A picture from the clipboard is a file; text copied from an office program also carries a picture of itself, and is text. */
function pasted(event: ClipboardEvent, take: (files: FileList) => void): void {
  const data = event.clipboardData;
  if (!data?.files.length || data.types.includes("text/plain") || data.types.includes("text/html")) return;
  event.preventDefault();
  event.stopPropagation();
  take(data.files);
}

function upload(form: HTMLFormElement, place: HTMLElement, url: string, file: File, changed: () => void): void {
  const limit = Number(form.dataset["limit"]) || Infinity;
  const already = all("[data-size]", place).reduce((sum, f) => sum + Number(f.dataset["size"]), 0);
  if (file.size + already > limit) return void toast(word("too-large", "{name} is too large: all files of a letter together may have {limit}.", { name: file.name, limit: form.dataset["limitLabel"] ?? size(limit) }), { kind: "bad" });
  const bar = make("progress", { max: "100", value: "0", "aria-label": word("uploading-file", "Uploading {name}", { name: file.name }) });
  const element = make("span", { class: "file", "data-uploading": true, "data-size": String(file.size) }, make("span", { class: "th" }, ending(file.name)), make("span", {}, make("span", { dir: "auto" }, file.name), " ", make("span", { class: "mut" }, size(file.size))), bar);
  place.append(element);
  send(url, file, (share) => (bar.value = share * 100)).then(
    (made) => done(element, bar, made, changed),
    (wrong: Error) => (element.remove(), toast(word("upload-failed", "{name} could not be uploaded: {why}", { name: file.name, why: wrong.message }), { kind: "bad" })),
  );
}

function done(element: HTMLElement, bar: HTMLElement, made: { id: string; name: string }, changed: () => void): void {
  bar.remove();
  element.removeAttribute("data-uploading");
  element.append(make("input", { type: "hidden", name: "attachment", value: String(made.id) }), make("button", { type: "button", "data-remove": true, "aria-label": word("remove", "Remove {what}", { what: made.name }) }, icon("x", "s")));
  changed();
}

/** XMLHttpRequest, because fetch still tells nobody how far an upload is. */
function send(url: string, file: File, progress: (share: number) => void): Promise<{ id: string; name: string }> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file);
    request.open("POST", url);
    request.responseType = "json";
    request.setRequestHeader("X-CSRFToken", csrf());
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => event.lengthComputable && progress(event.loaded / event.total);
    request.onload = () => (request.status < 300 && request.response?.id ? resolve(request.response) : reject(new Error(request.response?.error ?? `HTTP ${request.status}`)));
    request.onerror = () => reject(new Error(word("no-line", "no connection")));
    request.send(body);
  });
}

const ending = (name: string): string => (/\.(\w{1,4})$/.exec(name)?.[1] ?? "file").toLowerCase();

function size(bytes: number): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const step = Math.min(3, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return new Intl.NumberFormat(document.documentElement.lang || "en", { style: "unit", unit: units[step]!, maximumFractionDigits: 1 }).format(bytes / 1000 ** step);
}
