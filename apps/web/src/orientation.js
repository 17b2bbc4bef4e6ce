// Turning a picture upright, as its EXIF data say. Browsers do so for JPEG; for PNG and WebP they differ, so the page does it.

const TAG = 0x0112;
const [SHORT, LONG] = [3, 4]; // types of a value in TIFF, in which EXIF data are written

/**
 * @param {Uint8Array} exif
 * @returns {number} 1 to 8, as EXIF counts them; 1, upright, also where nothing is said
 * @throws {RangeError} if it is no EXIF data
 */
export function orientationIn(exif) {
  const start = String.fromCharCode(...exif.subarray(0, 6)) === "Exif\0\0" ? 6 : 0;
  const view = new DataView(exif.buffer, exif.byteOffset + start, exif.byteLength - start);
  const order = view.getUint32(0);
  if (order !== 0x49492a00 && order !== 0x4d4d002a) throw new RangeError("no EXIF data");
  const little = order === 0x49492a00;
  const at = view.getUint32(4, little);
  for (let entry = at + 2, n = view.getUint16(at, little); n > 0; entry += 12, n--) {
    if (view.getUint16(entry, little) !== TAG) continue;
    const type = view.getUint16(entry + 2, little);
    const value = type === SHORT ? view.getUint16(entry + 8, little) : type === LONG ? view.getUint32(entry + 8, little) : 1;
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}

/**
 * @param {import("./decode.js").Pixels} image as it is stored
 * @param {number} orientation
 * @returns {import("./decode.js").Pixels}
 */
export function upright(image, orientation) {
  if (orientation === 1) return image;
  const { width, height, channels } = image;
  const onItsSide = orientation >= 5;
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBelow = [3, 4, 6, 7].includes(orientation);
  const [newHeight, newWidth] = onItsSide ? [width, height] : [height, width];
  const turned = (samples, n) => {
    const result = new samples.constructor(samples.length);
    for (let row = 0, to = 0; row < newHeight; row++) {
      for (let column = 0; column < newWidth; column++) {
        const [r, c] = onItsSide ? [column, row] : [row, column];
        const from = ((fromBelow ? height - 1 - r : r) * width + (fromRight ? width - 1 - c : c)) * n;
        for (let k = 0; k < n; k++) result[to++] = samples[from + k];
      }
    }
    return result;
  };
  const clear = image.void && turned(image.void, 1);
  return { ...image, width: newWidth, height: newHeight, data: turned(image.data, channels), void: clear };
}
