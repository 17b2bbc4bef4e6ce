// Keeps the whole page for offline use. ASSETS and VERSION are filled in by build.mjs.
/* global ASSETS, VERSION */
const CACHE = `imexseg-${VERSION}`;

self.addEventListener("install", (event) => {
  const requests = ASSETS.map((file) => new Request(file, { cache: "reload" }));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  const removeOlder = async () => {
    const names = await caches.keys();
    await Promise.all(names.filter((n) => n.startsWith("imexseg-") && n !== CACHE).map((n) => caches.delete(n)));
    await self.clients.claim();
  };
  event.waitUntil(removeOlder());
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  const answer = async () => {
    const cache = await caches.open(CACHE);
    return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
  };
  event.respondWith(answer());
});
