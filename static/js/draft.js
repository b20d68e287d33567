// The draft of a new case: typed text stays in this browser tab until the case is sent or cancelled, or the user signs
// out. It never leaves the browser. Images and confirmations are not kept.
(() => {
  const PREFIX = "draft:";
  const form = document.getElementById("case-form");

  function forgetAll() {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key);
  }

  if (!form) return forgetAll(); // the sign-in page, after signing out

  const key = `${PREFIX}${form.dataset.owner}:${location.search}`;
  const fields = () => Array.from(form.elements).filter((field) =>
    field.name && !["hidden", "file", "checkbox", "submit", "button"].includes(field.type));

  function keep() {
    const entries = fields().filter((field) => field.type !== "radio" || field.checked);
    sessionStorage.setItem(key, JSON.stringify(Object.fromEntries(entries.map((field) => [field.name, field.value]))));
  }

  function restore(draft) {
    for (const field of fields()) {
      if (!(field.name in draft)) continue;
      if (field.type === "radio") field.checked = field.value === draft[field.name];
      else field.value = draft[field.name];
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  const note = document.getElementById("draft-note");
  note.hidden = false;
  const kept = sessionStorage.getItem(key);
  if (kept) {
    restore(JSON.parse(kept));
    const restored = document.createElement("p");
    restored.className = "flash";
    restored.textContent = "Your draft has been restored. Please choose the images again.";
    form.before(restored);
  }
  form.addEventListener("input", keep);
  form.addEventListener("change", keep);
  form.addEventListener("sent", forgetAll);
  form.querySelector("[data-forget]").addEventListener("click", forgetAll);
})();
