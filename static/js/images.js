// Choosing images: from the file dialog, by drag and drop, or with the camera; each with a preview, the server's
// quality check, and a button to remove it. Without this script the plain file fields work.
(() => {
  const form = document.getElementById("case-form");
  if (!form) return;
  const MEGABYTE = 1024 * 1024;
  const ACCEPTED = ["image/jpeg", "image/png", "image/webp"];
  const UNCHECKED = "Not checked yet: it will be checked when you send it";
  const find = (id) => document.getElementById(id);
  let chosen = []; // { file, address, text, refused, checked }, in the order of sending
  let checking = Promise.resolve(); // images are checked one at a time

  function troubleOf(file) {
    if (/^image\/hei[cf]$/.test(file.type)) return "a HEIC photograph: please share or export it as JPEG";
    if (file.type && !ACCEPTED.includes(file.type)) return "not a JPEG, PNG or WebP image";
    if (file.size > form.dataset.maxMegabytes * MEGABYTE) return `larger than ${form.dataset.maxMegabytes} MB`;
    return file.size === 0 ? "empty file" : "";
  }

  function add(files) {
    for (const file of files) {
      const trouble = troubleOf(file);
      const entry = { file, address: URL.createObjectURL(file), text: trouble || "Checking …", refused: Boolean(trouble), checked: Boolean(trouble) };
      chosen.push(entry);
      if (!trouble) checking = checking.then(() => check(entry));
    }
    show();
  }

  function remove(entry) {
    const place = chosen.indexOf(entry);
    chosen = chosen.filter((other) => other !== entry);
    URL.revokeObjectURL(entry.address);
    show();
    const buttons = find("previews").querySelectorAll("button");
    (buttons[Math.min(place, buttons.length - 1)] || find("images")).focus();
  }

  async function check(entry) {
    if (!chosen.includes(entry)) return;
    const body = new FormData();
    body.append("images", entry.file);
    if (form.elements.submission_token) body.append("submission_token", form.elements.submission_token.value);
    try {
      const headers = { "X-CSRFToken": form.elements.csrf_token.value, Accept: "application/json" };
      const ask = () => fetch(form.dataset.check, { method: "POST", body, headers, redirect: "error" });
      let answer = await ask();
      const later = Number(answer.headers.get("Retry-After"));
      if (answer.status === 503 && later) {
        await new Promise((resolve) => setTimeout(resolve, later * 1000)); // retry once only: sending the form checks it again
        answer = await ask();
      }
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const { refused, text } = await answer.json();
      Object.assign(entry, { refused, text: text || "Sharp and bright enough", doubtful: Boolean(text) });
    } catch {
      Object.assign(entry, { text: UNCHECKED });
    }
    entry.checked = true;
    if (!chosen.includes(entry)) return;
    show();
    find("images-news").textContent = `${entry.file.name}: ${entry.text}`;
  }

  function item(entry) {
    const line = document.createElement("li");
    line.className = entry.refused ? "refused" : entry.doubtful ? "doubtful" : "";
    if (ACCEPTED.includes(entry.file.type) && entry.file.size) {
      const image = document.createElement("img");
      image.src = entry.address;
      image.alt = "";
      image.addEventListener("error", () => image.remove()); // not an image after all: the text beside it says so
      line.append(image);
    }
    const name = document.createElement("span");
    name.textContent = entry.file.name;
    const state = document.createElement("span");
    state.className = "preview-state";
    state.textContent = entry.text;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-sm btn-outline-secondary";
    button.textContent = "Remove";
    button.setAttribute("aria-label", `Remove ${entry.file.name}`);
    button.addEventListener("click", () => remove(entry));
    line.append(name, state, button);
    return line;
  }

  function show() {
    const files = new DataTransfer();
    for (const entry of chosen) files.items.add(entry.file);
    find("images").files = files.files;
    const lines = chosen.map(item);
    const extra = chosen.length - Number(form.dataset.maxFiles);
    if (extra > 0) {
      const line = document.createElement("li");
      line.className = "refused";
      line.textContent = `Maximum ${form.dataset.maxFiles} images: please remove ${extra}`;
      lines.push(line);
    }
    const held = Array.from(find("previews").querySelectorAll("button")).indexOf(document.activeElement);
    find("previews").replaceChildren(...lines);
    if (held >= 0) find("previews").querySelectorAll("button")[held]?.focus(); // keep the focus when a check ends
    find("drop-hint").hidden = false;
    const reason = find("send-anyway");
    const asked = reason.querySelector("[aria-invalid]") || reason.querySelector("input").value;
    reason.hidden = !asked && !chosen.some((entry) => entry.doubtful && !entry.refused);
  }

  form.addEventListener("change", (event) => {
    if (event.target.id !== "images" && event.target.id !== "camera") return;
    const files = Array.from(event.target.files);
    if (event.target.id === "camera") event.target.value = ""; // its images are sent with the others
    add(files);
  });

  // An image dropped outside the field must not replace the page.
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
  document.addEventListener("dragover", (event) => mark(event.target));
  document.addEventListener("dragleave", () => mark(null));
  document.addEventListener("drop", (event) => {
    mark(null);
    if (find("drop-zone").contains(event.target)) add(event.dataTransfer.files);
  });

  function mark(target) {
    find("drop-zone").classList.toggle("over", Boolean(target) && find("drop-zone").contains(target));
  }

  form.addEventListener("redrawn", show); // after a refusal the form is new but the images are kept
  show();
})();
