// Many pictures, one after the other: their masks in one .zip, with a table of the area of each class. Loaded when several come.
import { Zip, ZipPassThrough } from "fflate";
import { maskName } from "./mask.js";

export const MOST_PICTURES = 65_000; // a .zip without extensions holds hardly more files

/**
 * @typedef {{width: number, height: number, counts: number[], ignored: number}} Result in pixels
 * @param {import("./engine.js").Engine} engine
 * @param {string[]} names of the classes
 * @param {{file: File, name: string}[]} pictures name: with the folder, if there is one
 * @param {{signal: AbortSignal, told: (index: number, result: Result | null, problem: string) => void}} options told: called as a picture
 *   is begun (null, ""), is done, or turns out to be one that cannot be read
 * @returns {Promise<{zip: Blob, done: number, failed: number}>} masks of those that were done when it was stopped
 */
export async function segmentAll(engine, names, pictures, { signal, told }) {
  const archive = new Archive();
  const rows = [["file", "width", "height", ...names, "ignored"]];
  const problems = [];
  signal.addEventListener("abort", () => engine.cancel("mask"));
  for (const [index, { file, name }] of pictures.entries()) {
    if (signal.aborted) break;
    told(index, null, "");
    try {
      const result = await engine.do("mask", { blob: file, name });
      if (!result) break;
      archive.add(maskName(name), result.mask, `${name}_mask.png`);
      rows.push([name, result.width, result.height, ...result.counts, result.ignored]);
      told(index, result, "");
    } catch (error) {
      problems.push(error.message);
      told(index, null, error.message);
    }
  }
  archive.add("areas.csv", new TextEncoder().encode(asTable(rows)));
  if (problems.length) archive.add("problems.txt", new TextEncoder().encode(`${problems.join("\n")}\n`));
  return { zip: archive.finished(), done: rows.length - 1, failed: problems.length };
}

/** CSV as `imexseg predict --report` writes it. */
export function asTable(rows) {
  const field = (value) => (/[",\r\n]/.test(value) ? `"${String(value).replaceAll('"', '""')}"` : value);
  return rows.map((row) => `${row.map(field).join(",")}\n`).join("");
}

/** A .zip that grows file by file. Masks are compressed already. */
class Archive {
  constructor() {
    this.parts = [];
    this.names = new Set();
    this.zip = new Zip((error, part) => {
      if (error) throw error;
      this.parts.push(new Blob([part])); // which a browser may keep on the disk
    });
  }

  /** @param {string} other its name where there is such a file already: of a.jpg beside a.png */
  add(name, bytes, other = name) {
    const free = [name, other].map(safe).find((one) => !this.names.has(one)) ?? `${this.names.size}_${safe(other)}`;
    this.names.add(free);
    const entry = new ZipPassThrough(free);
    this.zip.add(entry);
    entry.push(bytes, true);
  }

  finished() {
    this.zip.end();
    return new Blob(this.parts, { type: "application/zip" });
  }
}

/** A path that stays inside the folder in which it is unpacked, on every system. */
function safe(name) {
  const parts = name.split("/").filter((part) => !["", ".", ".."].includes(part));
  return parts.map((part) => part.replace(/[\\:*?"<>|\u0000-\u001f]/g, "_")).join("/");
}
