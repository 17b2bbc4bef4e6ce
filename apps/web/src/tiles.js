// How an image of any size goes through a network of one size: as it is where it fits, extended by its last row and
// column where it is smaller, in overlapping tiles where it is larger.

/**
 * Where tiles of one size start along one axis, and from where to where each one's result counts.
 * Neighbours overlap by at least a quarter, and the seam runs through the middle of what they share.
 * @param {number} length of the image, in pixels
 * @param {number} size of the tile, in pixels
 * @returns {{start: number, from: number, to: number}[]}
 */
export function tilesAlong(length, size) {
  if (length <= size) return [{ start: 0, from: 0, to: length }];
  const overlap = Math.floor(size / 4);
  const last = Math.ceil((length - overlap) / (size - overlap)) - 1;
  const starts = Array.from({ length: last + 1 }, (_, i) => Math.floor((i * (length - size)) / last));
  const seams = starts.slice(1).map((start, i) => Math.floor((starts[i] + size + start) / 2));
  return starts.map((start, i) => ({ start, from: i ? seams[i - 1] : 0, to: i < last ? seams[i] : length }));
}

/**
 * A window of an image, the last row and column repeated beyond its edge.
 * @param {import("./decode.js").Pixels} image
 */
export function cut(image, top, left, height, width) {
  const { channels, data } = image;
  const result = new data.constructor(height * width * channels);
  const inside = Math.min(width, image.width - left) * channels;
  for (let row = 0; row < height; row++) {
    const from = (Math.min(top + row, image.height - 1) * image.width + left) * channels;
    const to = row * width * channels;
    result.set(data.subarray(from, from + inside), to);
    for (let i = inside; i < width * channels; i++) result[to + i] = result[to + i - channels];
  }
  return result;
}

/** In words, for the person at the page; empty where the image was taken as it is. */
export function sizeNote(image, size) {
  if (!size) return "";
  const [height, width] = size;
  const count = tilesAlong(image.height, height).length * tilesAlong(image.width, width).length;
  const asWhat = `this model takes ${width} × ${height} px`;
  if (count > 1) return `${asWhat}: cut into ${count} overlapping tiles, so each one sees only its part`;
  if (image.height < height || image.width < width) return `${asWhat}: edge repeated to fill it`;
  return "";
}
