// The words, numbers and controls of the page. Names from files of strangers are set as text, never as markup.
import { PageError } from "./errors.js";
import { maskInWords } from "./numbers.js";

const $ = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");

export function showProblem(message) {
  $("problem").textContent = message;
  $("problem").hidden = !message;
}

export const showError = (error) => showProblem(error.message);

export function showResult({ name, image, milliseconds, notes, settled, names, counts }) {
  const { width, height } = image;
  const total = width * height;
  $("what").textContent = `${name} · ${width} × ${height} px`;
  $("timing").textContent = `${milliseconds.toFixed(milliseconds < 10 ? 1 : 0)} ms in the network`;
  const note = notes.map((remark) => `${remark[0].toUpperCase()}${remark.slice(1)}.`).join(" ");
  $("note").textContent = note;
  $("note").hidden = !note;
  const shares = counts.map((count) => `${((100 * count) / total).toFixed(1)} %`);
  for (const [k, row] of [...$("legend").tBodies[0].rows].entries()) {
    row.classList.toggle("absent", !counts[k]);
    row.cells[2].textContent = number.format(counts[k]);
    row.cells[3].textContent = shares[k];
  }
  if (!settled) return; // a screen reader is not told every moment of a stroke or a film
  const found = names.map((n, k) => [n, shares[k], counts[k]]).filter(([, , count]) => count);
  const inWords = found.map(([n, share]) => `${n} ${share}`).join(", ");
  $("image").setAttribute("aria-label", `${name}, segmented: ${inWords}`);
  $("status").textContent = `${name} segmented in ${milliseconds.toFixed(1)} milliseconds: ${inWords}. ${note}`;
}

/** @param {number} total of tiles */
export function showProgress(done, total) {
  $("timing").textContent = `tile ${number.format(done)} of ${number.format(total)} …`;
}

/** Small pictures are enlarged with their pixels to be seen. */
export function fitStage({ width, height }) {
  $("stage").style.setProperty("--aspect", width / height);
  $("stage").classList.toggle("small", Math.max(width, height) <= 256);
}

export function showSource(source) {
  $("draw").setAttribute("aria-pressed", source === "draw");
  $("camera").setAttribute("aria-pressed", source === "camera");
  $("draw-tools").hidden = $("hint").hidden = source !== "draw";
  $("camera-tools").hidden = source !== "camera";
  $("stage").classList.toggle("drawing", source === "draw");
}

/** What to do where there is no picture that the network could say something of. */
export function showInvitation() {
  $("what").textContent = $("status").textContent = "Open, drop or paste a photograph, or use the camera.";
  $("timing").textContent = "";
  $("note").hidden = true;
  $("image").setAttribute("aria-label", "No picture yet");
}

export function hideHint() {
  $("hint").hidden = true;
}

export function showOpacity(percent) {
  $("classes").style.opacity = percent / 100;
  $("opacity-value").textContent = `${percent} %`;
}

export function showLegend({ names, palette }, visible, changed) {
  const rows = names.map((name, k) => {
    const row = document.createElement("tr");
    const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: visible[k] });
    box.setAttribute("aria-label", `Show ${name}`);
    box.onchange = () => {
      visible[k] = box.checked;
      changed();
    };
    const swatch = Object.assign(document.createElement("span"), { className: "swatch" });
    swatch.style.background = `rgb(${palette[k].join(" ")})`;
    const label = document.createElement("th");
    label.scope = "row";
    label.append(swatch, name);
    row.insertCell().append(box);
    row.append(label);
    row.insertCell().className = row.insertCell().className = "number";
    return row;
  });
  $("legend").tBodies[0].replaceChildren(...rows);
}

export function showModel(info, threads) {
  $("mask-numbers").textContent = maskInWords(info);
  const size = info.size ? `${info.size[1]} × ${info.size[0]} px` : "any";
  const facts = {
    Network: info.model,
    Parameters: info.parameters && number.format(info.parameters),
    Input: `${size}, ${info.in_channels === 1 ? "grey" : `${info.in_channels} channels`}`,
    Precision: info.precision,
    "Trained on": info.data?.name,
    Measured: firstMetric(info.metrics),
    Licence: info.licence,
    Runs: `WebAssembly, ${threads === 1 ? "one thread" : `${threads} threads`}`,
  };
  const entries = Object.entries(facts).filter(([, value]) => value);
  $("model-facts").replaceChildren(
    ...entries.flatMap(([term, value]) => [
      Object.assign(document.createElement("dt"), { textContent: term }),
      Object.assign(document.createElement("dd"), { textContent: value }),
    ]),
  );
}

function firstMetric(metrics) {
  const mean = metrics?.miou;
  return typeof mean === "number" ? `mIoU ${mean.toFixed(3)}${metrics.split ? ` (${metrics.split})` : ""}` : undefined;
}

export function listModels(shipped) {
  $("model").replaceChildren(...shipped.map(({ title }, i) => new Option(title, String(i))));
}

export function chooseModel(index) {
  $("model").value = String(index);
}

export async function copyLink(link) {
  try {
    await navigator.clipboard.writeText(link);
  } catch {
    throw new PageError("The link could not be copied by this button. It is in the browser's address bar.");
  }
  $("status").textContent = $("shared").textContent = "Link copied.";
  setTimeout(() => ($("shared").textContent = ""), 4000); // ms
}

/** The latest file of one's own stands in the list too. */
export function addModelChoice(name) {
  $("model").querySelector("[data-own]")?.remove();
  const option = new Option(name, "own", true, true);
  option.dataset.own = "";
  $("model").append(option);
}

/** Register the service worker, and say when the page no longer needs a network connection. */
export async function showOffline() {
  if (!navigator.serviceWorker) return;
  try {
    await navigator.serviceWorker.register("service-worker.js");
    await navigator.serviceWorker.ready;
    $("offline").textContent = "Ready to be used offline.";
  } catch {
    $("offline").textContent = "This browser did not keep the page for offline use.";
  }
}
