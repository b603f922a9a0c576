// The reply bundle: rich text, files, canned answers and mentions. Fetched when an agent first goes near a composer.

import { attachFiles } from "./reply/files";
import { makeRich } from "./reply/rich";
import { suggest } from "./reply/suggest";
import { plainWriting } from "./reply/writing";
import type { Writing } from "./reply/writing";

export type { Writing } from "./reply/writing";

/** Makes a form's textarea a rich editor if it asks for it (`data-rich`), and adds files and suggestions. `changed` after each change. */
export function enrich(form: HTMLFormElement, changed: () => void): Writing {
  const textarea = form.querySelector<HTMLTextAreaElement>("textarea[data-editor]")!;
  const writing = textarea.dataset["rich"] === undefined ? plainWriting(textarea, changed) : makeRich(form, textarea, changed);
  attachFiles(form, writing, changed);
  suggest(form, writing);
  return writing;
}
