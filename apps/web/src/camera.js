// Frames of the camera, one at a time: the next one is taken when the last one has been segmented.
import { PageError } from "./errors.js";

const REASONS = {
  NotAllowedError: "The camera may not be used: allow it in the browser's settings for this page.",
  NotFoundError: "No camera was found.",
  NotReadableError: "The camera is in use by another program.",
};

export class Camera {
  /**
   * @param {(frame: ImageBitmap) => Promise<void>} onFrame
   * @param {() => [number, number] | null} wantedSize height and width to which frames are cut and scaled, if any
   */
  constructor(onFrame, wantedSize) {
    this.onFrame = onFrame;
    this.wantedSize = wantedSize;
    this.active = false;
    this.video = Object.assign(document.createElement("video"), { muted: true, playsInline: true });
  }

  /** @throws {PageError} if there is no camera, or it may not be used */
  async start() {
    if (!navigator.mediaDevices) throw new PageError("A camera needs https or localhost.");
    try {
      const wanted = { facingMode: "environment", width: { ideal: 640 }, height: { ideal: 480 } };
      this.video.srcObject = await navigator.mediaDevices.getUserMedia({ video: wanted });
      await this.video.play();
    } catch (error) {
      this.stop();
      throw new PageError(REASONS[error.name] ?? `The camera could not be started (${error.message}).`);
    }
    this.active = true;
    this.run();
  }

  async run() {
    try {
      while (this.active) {
        await this.onFrame(await this.frame());
        await new Promise(requestAnimationFrame); // and none at all while the tab is not seen
      }
    } catch (error) {
      if (this.active) reportError(error);
      this.stop();
    }
  }

  /** The middle of the picture, as large as the shape that is wanted allows. */
  frame() {
    const { videoWidth: width, videoHeight: height } = this.video;
    const size = this.wantedSize();
    if (!size) return createImageBitmap(this.video);
    const scale = Math.min(height / size[0], width / size[1]);
    const [h, w] = [Math.floor(size[0] * scale), Math.floor(size[1] * scale)];
    const options = { resizeHeight: size[0], resizeWidth: size[1], resizeQuality: "medium" };
    return createImageBitmap(this.video, (width - w) >> 1, (height - h) >> 1, w, h, options);
  }

  stop() {
    this.active = false;
    for (const track of this.video.srcObject?.getTracks() ?? []) track.stop();
    this.video.srcObject = null;
  }
}
