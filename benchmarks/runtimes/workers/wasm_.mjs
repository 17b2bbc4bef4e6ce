// node wasm_.mjs NETWORK.onnx GIVEN.f32 FOUND.f32 SECONDS N C H W, in the folder that has node_modules.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

const [path, images, logits, seconds, ...shape] = process.argv.slice(2);
const [n, ...sides] = shape.map(Number);
const peak = () => Number(readFileSync("/proc/self/status", "utf8").match(/VmHWM:\s*(\d+)/)[1]); // kB

const before = peak();
const ort = createRequire(`${process.cwd()}/`)("onnxruntime-web");
ort.env.wasm.numThreads = 1;
const session = await ort.InferenceSession.create(readFileSync(path), { executionProviders: ["wasm"] });
const all = new Float32Array(new Uint8Array(readFileSync(images)).buffer);
const size = all.length / n;
const image = (k) => new ort.Tensor("float32", all.slice(k * size, (k + 1) * size), [1, ...sides]);
const run = async (normalised) => (await session.run({ normalised })).logits.data;

const found = [];
for (let k = 0; k < n; k++) found.push(Buffer.from((await run(image(k))).slice().buffer));
writeFileSync(logits, Buffer.concat(found));

const first = image(0);
const start = performance.now();
let ms = Infinity;
for (let runs = 0; runs < 10 || performance.now() - start < 1000 * Number(seconds); runs++) {
  const begun = performance.now();
  await run(first);
  ms = Math.min(ms, performance.now() - begun);
}
console.log(JSON.stringify({ ms, memory_kb: peak() - before }));
