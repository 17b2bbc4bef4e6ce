// Everything that the page needs, in one folder that any static server can serve:
// node build.mjs [FOLDER [FOLDER OF MODELS]]
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { SHIPPED } from "./src/shipped.js";

const here = path.dirname(fileURLToPath(import.meta.url));
const target = path.resolve(process.argv[2] ?? path.join(here, "dist"));
const source = path.resolve(process.argv[3] ?? path.join(here, "models"));
const ort = path.join(here, "node_modules/onnxruntime-web/dist");
const pages = ["index.html", "style.css", "icon.svg", "manifest.webmanifest"];
const runtime = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"];

const models = SHIPPED.map(({ file }) => path.basename(file));
const missing = models.filter((name) => !existsSync(path.join(source, name)));
if (missing.length) {
  console.error(`${source}: ${missing.join(" and ")} missing; “make web” exports them`);
  process.exit(2);
}

if (existsSync(target) && !existsSync(path.join(target, "service-worker.js")) && (await readdir(target)).length) {
  console.error(`${target} holds something else than a page; choose another folder`);
  process.exit(2);
}
await rm(target, { recursive: true, force: true });
await mkdir(path.join(target, "models"), { recursive: true });
for (const file of pages) await cp(path.join(here, file), path.join(target, file));
for (const name of models) await cp(path.join(source, name), path.join(target, "models", name));
for (const file of runtime) await cp(path.join(ort, file), path.join(target, "ort", file));

const options = {
  absWorkingDir: here,
  outdir: target,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  sourcemap: true,
  legalComments: "eof",
  logLevel: "warning",
};
await build({
  ...options,
  entryPoints: ["src/main.js", "src/worker.js"],
  // What few need, such as the reader of TIFF, is loaded when it is needed.
  splitting: true,
  chunkNames: "parts/[name]-[hash]",
  // The runtime finds its .wasm, and starts its threads, from its own address: it stays a file of its own.
  alias: { "onnxruntime-web/wasm": "./ort/ort.wasm.min.mjs" },
  external: ["./ort/ort.wasm.min.mjs"],
});

// What the service worker keeps for offline use, under a name that changes with the content.
const files = (await readdir(target, { recursive: true }))
  .map((file) => file.split(path.sep).join("/"))
  .filter((file) => path.extname(file) && !file.endsWith(".map"))
  .sort();
const hash = createHash("sha256");
for (const file of files) hash.update(file).update(await readFile(path.join(target, file)));
const define = { ASSETS: JSON.stringify(["./", ...files]), VERSION: JSON.stringify(hash.digest("hex").slice(0, 12)) };
await build({ ...options, entryPoints: ["src/service-worker.js"], define });
console.log(`${files.length + 1} files in ${path.relative(process.cwd(), target) || target}`);
