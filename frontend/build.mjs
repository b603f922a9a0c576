// Builds the browser files of Postroom: TypeScript, style sheet, fonts and the icon sprite. It checks no types (see `npm run types`).
//
//   node build.mjs [--out DIR]
//
// Every file name carries a hash of its content, so a server may tell browsers to keep it for ever; manifest.json maps the plain
// name to the hashed one, and lists the chunks a script imports at once, so that a page can ask for them together.

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const flag = process.argv.indexOf("--out");
const out = flag > 0 ? resolve(process.argv[flag + 1]) : join(here, "../src/postroom/web/static/postroom/build");

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });

const result = await build({
  absWorkingDir: here,
  entryPoints: ["src/app.ts", "src/workspace.ts", "src/css/app.css"],
  outdir: out,
  outbase: "src",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  minify: true,
  metafile: true,
  charset: "utf8",
  legalComments: "none",
  target: ["es2022", "chrome123", "firefox121", "safari17.5"],
  loader: { ".woff2": "file" },
  logLevel: "warning",
});

const manifest = describe(result.metafile.outputs);
manifest["icons.svg"] = { file: await writeSprite() };
manifest["favicon.svg"] = { file: await writeHashed("favicon", ".svg", await readFile(join(here, "src/favicon.svg"), "utf8")) };
manifest["licences.txt"] = { file: await writeLicences() };
const sorted = Object.fromEntries(Object.entries(manifest).sort(([a], [b]) => (a < b ? -1 : 1)));
await writeFile(join(out, "manifest.json"), JSON.stringify({ source: await hashSources(), files: sorted }, null, 1) + "\n");

/** What each entry (and the lazily loaded reply bundle) became, and which chunks it needs at once. */
function describe(outputs) {
  const files = {};
  for (const [path, output] of Object.entries(outputs)) {
    if (!output.entryPoint) continue;
    const plain = basename(output.entryPoint).replace(/\.ts$/, ".js");
    files[plain] = { file: basename(path), imports: eager(outputs, path) };
  }
  return files;
}

/** The chunks a script imports before it can run, itself left out. */
function eager(outputs, path, seen = new Set()) {
  for (const made of outputs[path].imports) {
    if (made.kind !== "import-statement" || made.external || seen.has(made.path)) continue;
    seen.add(made.path);
    eager(outputs, made.path, seen);
  }
  return [...seen].map((p) => basename(p)).sort();
}

/** One sprite of all icons: `<use href="icons-….svg#name">`. */
async function writeSprite() {
  const folder = join(here, "src/icons");
  const names = (await readdir(folder)).filter((n) => n.endsWith(".svg")).sort();
  const symbols = await Promise.all(names.map(async (name) => symbol(name, await readFile(join(folder, name), "utf8"))));
  const text = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`;
  return writeHashed("icons", ".svg", text);
}

function symbol(name, text) {
  const inner = text.replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "").trim();
  return `<symbol id="${name.replace(/\.svg$/, "")}" viewBox="0 0 24 24">${inner}</symbol>`;
}

/** The licence texts of what is bundled; the licences ask for it. */
async function writeLicences() {
  const wanted = JSON.parse(await readFile(join(here, "package.json"), "utf8")).dependencies;
  const bundled = Object.keys(wanted).filter((name) => name !== "esbuild").sort();
  const texts = [];
  for (const name of bundled) {
    const folder = join(here, "node_modules", name);
    const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
    const files = (await readdir(folder)).filter((n) => /^licen[cs]e/i.test(n)).sort();
    if (!files.length) throw new Error(`${name} has no licence file`);
    for (const file of files) texts.push(`${name} ${version}\n\n${(await readFile(join(folder, file), "utf8")).trim()}\n`);
  }
  return writeHashed("licences", ".txt", texts.join("\n----------------------------------------\n\n"));
}

async function writeHashed(name, ending, text) {
  const hash = createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase();
  const file = `${name}-${hash}${ending}`;
  await writeFile(join(out, file), text);
  return file;
}

/** A fingerprint of everything the build reads; hatch_build.py computes the same to know whether a build is still fresh. */
async function hashSources() {
  const sum = createHash("sha256");
  for (const path of await sources(here)) {
    sum.update(relative(here, path).replaceAll("\\", "/")).update("\0").update(await readFile(path)).update("\0");
  }
  return sum.digest("hex");
}

async function sources() {
  const top = ["build.mjs", "package.json", "package-lock.json"].map((n) => join(here, n));
  const below = await readdir(join(here, "src"), { recursive: true, withFileTypes: true });
  const files = below.filter((e) => e.isFile()).map((e) => join(e.parentPath ?? e.path, e.name));
  const order = (p) => relative(here, p).replaceAll("\\", "/");
  return [...top, ...files].sort((a, b) => (order(a) < order(b) ? -1 : 1));
}
