// Prints the gzipped size of what a page loads, in kB of 1000 bytes. Run after a build.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
const out = new URL("../src/postroom/web/static/postroom/build/", import.meta.url);
const { files } = JSON.parse(readFileSync(new URL("manifest.json", out), "utf8"));
const size = (name) => gzipSync(readFileSync(new URL(name, out)), { level: 9 }).length;
const whole = (...names) => [...new Set(names.flatMap((n) => [files[n].file, ...(files[n].imports ?? [])]))].reduce((sum, f) => sum + size(f), 0);
const first = whole("app.js", "workspace.js");
const print = (what, bytes) => console.log(`${what.padEnd(28)} ${(bytes / 1000).toFixed(1)} kB`);
print("every page: script", whole("app.js"));
print("workspace: script", first);
print("first reply, on top", whole("app.js", "workspace.js", "composer.js") - first);
print("style sheet", whole("app.css"));
print("icons", whole("icons.svg"));
