// Files by dialog, by dropping them or folders anywhere on the page, and pasted.

const PICTURES = /\.(png|jpe?g|tiff?|bmp|webp|gif)$/i; // of a folder only these are taken, as by imexseg predict
const HIDDEN = /(^|\/)\./;

/**
 * @typedef {{file: File, name: string}} Given name: with the folder, if there is one
 * @param {(files: Given[]) => void} use called with the files that come in together
 */
export function onFiles({ inputs, dropHint }, use) {
  for (const input of inputs) {
    input.onchange = () => {
      const files = [...input.files];
      input.value = ""; // the same file may be chosen again
      const isFolder = input.webkitdirectory;
      const given = files.map((file) => ({ file, name: isFolder ? file.webkitRelativePath : file.name }));
      if (files.length) use(isFolder ? inOrder(given.filter(isPicture)) : given);
    };
  }

  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0; // dragenter and dragleave also come from every element inside
  addEventListener("dragenter", (event) => {
    if (carriesFiles(event) && ++depth) dropHint.hidden = false;
  });
  addEventListener("dragleave", (event) => {
    if (carriesFiles(event) && --depth <= 0) dropHint.hidden = true;
  });
  addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    dropHint.hidden = true;
    const items = [...event.dataTransfer.items].filter(({ kind }) => kind === "file");
    // Both are gone once this function waits for anything.
    const dropped = items.map((item) => ({ folder: folderOf(item), file: item.getAsFile() }));
    const given = [];
    for (const { folder, file } of dropped) {
      if (folder) given.push(...inOrder(await filesIn(folder)));
      else if (file) given.push({ file, name: file.name });
    }
    use(given);
  });
  addEventListener("paste", (event) => {
    const given = [...(event.clipboardData?.files ?? [])].map((file) => ({ file, name: file.name }));
    if (given.length) use(given);
  });
}

const isPicture = ({ name }) => PICTURES.test(name) && !HIDDEN.test(name);
const inOrder = (given) => given.sort((a, b) => (a.name < b.name ? -1 : 1));

function folderOf(item) {
  const entry = item.webkitGetAsEntry?.();
  return entry?.isDirectory ? entry : null;
}

/** @param {FileSystemDirectoryEntry} folder @returns {Promise<Given[]>} pictures in it and in the folders in it */
async function filesIn(folder) {
  const reader = folder.createReader();
  const found = [];
  // It gives some at a time, and none when there are no more.
  for (let some; (some = await new Promise((done, failed) => reader.readEntries(done, failed))).length; ) {
    for (const entry of some) {
      const name = entry.fullPath.replace(/^\//, "");
      if (entry.isDirectory) found.push(...(await filesIn(entry)));
      else if (isPicture({ name })) found.push({ file: await new Promise((done, failed) => entry.file(done, failed)), name });
    }
  }
  return found;
}
