// Builds the browser's files: `node build.mjs` writes ../static/dist with hashed names, gzip beside each and a manifest.
import { build } from "esbuild";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, statSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { tabler } from "./tabler.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "static", "dist");
const modules = join(here, "node_modules");
const KEPT_MS = 600_000; // a page that was served a moment ago still finds the files of the build before

const entries = (folder, ending) =>
  readdirSync(join(here, folder)).filter((name) => name.startsWith("island_") && name.endsWith(ending)).map((name) => `${folder}/${name}`);

const result = await build({
  absWorkingDir: here,
  entryPoints: ["scripts/main.js", "styles/main.css", ...entries("scripts", ".js"), ...entries("styles", ".css")],
  outdir: out,
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["chrome123", "firefox121", "safari17.5"],
  minify: true,
  metafile: true,
  write: false,
  legalComments: "none",
  logLevel: "warning",
  loader: { ".svg": "dataurl", ".png": "dataurl" },
  plugins: [tabler],
});

mkdirSync(out, { recursive: true });
const manifest = { files: {}, preload: {}, sizes: {} };
const written = new Set(["manifest.json"]);

// A file that is there already is touched: it counts as new until `KEPT_MS` after the last build that had it.
function write(path, contents) {
  if (existsSync(path)) utimesSync(path, new Date(), new Date());
  else writeFileSync(path, contents);
}

function put(name, contents) {
  const path = join(out, name);
  const zipped = gzipSync(contents, { level: 9 });
  write(path, contents);
  write(`${path}.gz`, zipped);
  manifest.sizes[name] = [contents.length, zipped.length];
  written.add(name).add(`${name}.gz`);
}

for (const file of result.outputFiles) put(basename(file.path), file.contents);

for (const [path, output] of Object.entries(result.metafile.outputs)) {
  if (!output.entryPoint) continue;
  const logical = basename(output.entryPoint);
  const islandOf = !output.entryPoint.startsWith("scripts/main") && !output.entryPoint.startsWith("styles/") && !logical.startsWith("island_");
  if (islandOf) continue; // a chunk that another script imports by itself
  manifest.files[logical] = basename(path);
  const fixed = output.imports.filter((each) => each.kind === "import-statement").map((each) => basename(each.path));
  if (fixed.length) manifest.preload[logical] = fixed;
}

// The icons are no part of what a browser loads: the server sets the few that a page names into the page.
const nodes = JSON.parse(readFileSync(join(modules, "@tabler/icons/tabler-nodes-outline.json"), "utf8"));
const attributes = (values) => Object.entries(values).map(([name, value]) => `${name}="${value}"`).join(" ");
const icons = Object.fromEntries(
  Object.entries(nodes).map(([name, shapes]) => [name, shapes.map(([tag, values]) => `<${tag} ${attributes(values)}/>`).join("")]),
);
const hashed = (name, ending, text) => `${name}-${createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase()}.${ending}`;
const iconText = JSON.stringify(icons);
const iconName = hashed("icons", "json", iconText);
write(join(out, iconName), iconText);
written.add(iconName);
manifest.icons = iconName;

// What we ship of others comes with their licences.
const shipped = new Set(["@tabler/icons"]);
for (const input of Object.keys(result.metafile.inputs)) {
  const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
  if (found) shipped.add(found[1]);
}
const licences = [...shipped].sort().map((name) => {
  const about = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
  const texts = readdirSync(join(modules, name)).filter((each) => /^(licen[cs]e|notice)/i.test(each) && statSync(join(modules, name, each)).isFile());
  return [`${about.name} ${about.version} (${about.license})`, ...texts.map((each) => readFileSync(join(modules, name, each), "utf8").trim())].join("\n\n");
});
const licenceText = licences.join(`\n\n${"-".repeat(78)}\n\n`) + "\n";
const licenceName = hashed("licences", "txt", licenceText);
put(licenceName, Buffer.from(licenceText));
manifest.files["licences.txt"] = licenceName;

// For the tests only; it is neither linked from a page nor part of the wheel.
const axe = join(modules, "axe-core/axe.min.js");
if (existsSync(axe)) {
  writeFileSync(join(out, "axe.test.js"), readFileSync(axe));
  written.add("axe.test.js");
}

// Last, and in one step: whoever reads the manifest finds all files that it names.
writeFileSync(join(out, `manifest.${process.pid}`), JSON.stringify(manifest, null, 1));
renameSync(join(out, `manifest.${process.pid}`), join(out, "manifest.json"));
for (const name of readdirSync(out)) {
  const path = join(out, name);
  if (!written.has(name) && Date.now() - statSync(path).mtimeMs > KEPT_MS) unlinkSync(path);
}

if (process.argv.includes("--sizes")) {
  for (const [name, [full, zipped]] of Object.entries(manifest.sizes)) console.log(`${String(full).padStart(9)} ${String(zipped).padStart(8)}  ${name}`);
}
