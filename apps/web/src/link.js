// A link that names a network: ?model=ADDRESS, of the page's own origin. What was opened by one is kept for offline use.
import { PageError } from "./errors.js";

const KEPT = "linked-models"; // a cache beside those of service-worker.js, which survives a new version of the page

/**
 * @param {Location | URL} here the page's address
 * @returns {URL | null} of the network that it names @throws {PageError} if that is not to be had from here
 */
export function modelIn(here) {
  const named = new URLSearchParams(here.search).get("model");
  if (!named) return null;
  let url;
  try {
    url = new URL(named, here.href);
  } catch {
    throw new PageError(`This link names a network at “${named.slice(0, 100)}”, which is no address.`);
  }
  if (url.origin !== here.origin || url.username || url.password) {
    const where = url.host || url.protocol;
    throw new PageError(
      `This link names a network at ${where}. This page opens networks from ${here.host} alone: download it there, then open the file here.`,
    );
  }
  return url;
}

/** The page's address with a network named in it, relative to the page if it lies below it; without one for null. */
export function linkTo(model, here) {
  const link = new URL(here.href);
  const folder = new URL(".", here.href).href;
  link.hash = "";
  link.searchParams.delete("model");
  if (model) link.searchParams.set("model", model.href.startsWith(folder) ? model.href.slice(folder.length) : model.pathname + model.search);
  return link.href.replaceAll("%2F", "/");
}

/** @param {URL} url @returns {Promise<File>} from the cache if there is no connection @throws {PageError} */
export async function fetchModel(url) {
  const name = url.pathname.split("/").at(-1) || url.host;
  let response;
  try {
    response = await fetch(url, { mode: "same-origin" });
  } catch {
    response = await (await keptModels())?.match(url.href);
    if (!response) throw new PageError(`${name} could not be loaded, and is not kept from an earlier visit. Check the connection.`);
  }
  if (!response.ok) throw new PageError(`${name}, which this link names, could not be loaded (${response.status}). Ask for a new link.`);
  return new File([await response.blob()], name);
}

/** For the next visit, once it has turned out to be a network. */
export async function keepModel(url, file) {
  try {
    await (await keptModels())?.put(url.href, new Response(file));
  } catch {
    // Without room for it, it is loaded again.
  }
}

const keptModels = () => globalThis.caches?.open(KEPT);
