// The numbers in masks, and what is said of them: as in imexseg/inference/write_mask.py.

const SHOWN = 12; // classes whose number is said

/** In place of a class where a pixel means nothing. */
export const IGNORED = 255;

/** What stands for such a pixel in a mask: 255, or the largest number that stands for no class. */
export function ignoredValue(values) {
  let number = IGNORED;
  while (values.includes(number)) number--;
  return number;
}

/**
 * @param {Uint8Array} classes of every pixel
 * @param {number[]} values the number that stands for each class in the masks of the person who trained the network
 */
export function inValues(classes, values) {
  const ignored = ignoredValue(values);
  return classes.map((k) => values[k] ?? ignored);
}

/** Pixels of each class. */
export function areas(classes, numClasses) {
  const counts = new Array(numClasses).fill(0);
  for (const k of classes) if (k < numClasses) counts[k]++;
  return counts;
}

/** What the mask of a network holds, in words. */
export function maskInWords({ names, values }) {
  if (values.every((value, k) => value === k)) return "PNG of class numbers, at the size of the image itself.";
  const some = values.map((value, k) => `${value} ${names[k]}`).slice(0, SHOWN);
  const all = [...some, ...(values.length > SHOWN ? ["…"] : [])].join(", ");
  return `PNG with the numbers of the masks that the network was trained on, at the size of the image itself: ${all}.`;
}

/** What became of transparent pixels, in words; empty where there are none. */
export function ignoredInWords(clear, { names, values }) {
  if (!clear) return "";
  const count = clear.reduce((sum, one) => sum + one, 0);
  const number = ignoredValue(values);
  const taken = number === IGNORED ? "" : `, since ${IGNORED} stands for “${names[values.indexOf(IGNORED)]}”`;
  return `${count} transparent ${count === 1 ? "pixel" : "pixels"}: ${number}, ignored, in the mask${taken}`;
}
