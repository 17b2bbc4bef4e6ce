// The list of many pictures: how far each is, and what became of it.
import { PageError } from "./errors.js";
import { save } from "./download.js";

const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const pictures = (count) => `${number.format(count)} ${count === 1 ? "picture" : "pictures"}`;

export class BatchView {
  /** @param {(picture: {file: File, name: string}) => void} open called with a picture of the list that is to be looked at */
  constructor(engine, open) {
    this.engine = engine;
    this.open = open;
    this.stopping = null; // of what runs
    this.zip = null;
    $("batch-stop").onclick = () => this.stop();
    $("batch-save").onclick = () => save(this.zip, "masks.zip");
  }

  stop() {
    this.stopping?.abort();
  }

  /**
   * @param {{names: string[]}} info of the network
   * @param {{file: File, name: string}[]} found
   * @throws {PageError} if they are too many
   */
  async run(info, found) {
    const { MOST_PICTURES, segmentAll } = await import("./batch.js");
    if (found.length > MOST_PICTURES) {
      throw new PageError(`${pictures(found.length)} are too many at once; this page takes up to ${number.format(MOST_PICTURES)}.`);
    }
    this.stop();
    const stopping = (this.stopping = new AbortController());
    const rows = this.list(found);
    $("batch-status").textContent = `${pictures(found.length)} are being segmented.`;
    let count = 0;
    const told = (index, result, problem) => {
      if (stopping !== this.stopping) return;
      const state = problem || (result ? areasInWords(result, info.names) : "…");
      rows[index].lastElementChild.textContent = state;
      rows[index].classList.toggle("failed", Boolean(problem));
      if (result || problem) $("batch-progress").value = ++count;
      $("batch-count").textContent = `${number.format(count)} of ${number.format(found.length)}`;
    };
    const { zip, done, failed } = await segmentAll(this.engine, info.names, found, { signal: stopping.signal, told });
    if (stopping !== this.stopping) return; // others took their place
    this.zip = zip;
    $("batch-save").disabled = done === 0;
    $("batch-stop").disabled = true;
    $("batch-status").textContent = inWords(found.length, done, failed);
  }

  list(found) {
    const rows = found.map((picture) => {
      const row = document.createElement("li");
      const name = Object.assign(document.createElement("button"), { type: "button", textContent: picture.name });
      name.onclick = () => this.open(picture);
      row.append(name, document.createElement("span"));
      return row;
    });
    $("batch-list").replaceChildren(...rows);
    Object.assign($("batch-progress"), { max: found.length, value: 0 });
    $("batch-save").disabled = true;
    $("batch-stop").disabled = false;
    $("batch").hidden = false;
    return rows;
  }
}

function inWords(total, done, failed) {
  const left = total - done - failed;
  const parts = [`${pictures(done)} segmented`];
  if (failed) parts.push(`${pictures(failed)} could not be read and ${failed === 1 ? "is" : "are"} marked below`);
  if (left) parts.push(`stopped before the other ${number.format(left)}`);
  return `${parts.join("; ")}.`;
}

/** The largest classes of a picture. */
function areasInWords({ width, height, counts }, names) {
  const shares = counts.map((count, k) => [count / (width * height), names[k]]).filter(([share]) => share > 0);
  shares.sort(([a], [b]) => b - a);
  return shares.slice(0, 3).map(([share, name]) => `${name} ${(100 * share).toFixed(1)} %`).join(", ");
}
