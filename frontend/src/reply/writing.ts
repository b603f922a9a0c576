// What can be written into, whether it is a textarea or the rich editor.

export interface Writing {
  /** The element that has the caret. */
  readonly root: HTMLElement;
  focus(): void;
  /** Types text at the caret. */
  insertText(text: string): void;
  /** The text from the start of the line to the caret. */
  beforeCaret(): string;
  /** Puts text (and its HTML, where there is one) in place of the last `length` characters before the caret. */
  replaceBefore(length: number, text: string, html?: string): void;
  /** Writes what is shown into the form's fields. */
  store(): void;
  /** Shows what the form's fields say. */
  load(): void;
  /** Where the caret is in the window, or null. */
  caret(): DOMRect | null;
}

/** A textarea as it is. */
export function plainWriting(textarea: HTMLTextAreaElement, changed: () => void): Writing {
  const put = (start: number, text: string): void => {
    textarea.setRangeText(text, start, textarea.selectionEnd, "end");
    changed();
  };
  return {
    root: textarea,
    focus: () => textarea.focus(),
    insertText: (text) => put(textarea.selectionStart, text),
    beforeCaret: () => textarea.value.slice(0, textarea.selectionStart).split("\n").pop() ?? "",
    replaceBefore: (length, text) => put(textarea.selectionStart - length, text),
    store: () => undefined,
    load: () => undefined,
    caret: () => null,
  };
}
