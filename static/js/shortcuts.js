// Single-key shortcuts for reviewing. Each control declares its key in aria-keyshortcuts; this script acts on the key,
// shows it next to the control, and lists all keys of the page on "?". Shortcuts can be switched off and are ignored
// while typing.
(() => {
  const STORED = "dermtriage-shortcuts";
  const TYPING = "textarea, select, input:not([type=radio], [type=checkbox], [type=range], [type=submit])";
  const dialog = document.getElementById("shortcuts");
  if (!dialog) return;
  const opener = document.getElementById("shortcuts-open");
  const enabled = document.getElementById("shortcuts-enabled");
  const withKeys = (key = "") => Array.from(document.querySelectorAll(key ? `[aria-keyshortcuts="${CSS.escape(key)}"]` : "[aria-keyshortcuts]"));

  function name(element) {
    if (element.dataset.keyText) return element.dataset.keyText;
    const source = element.labels && element.labels.length ? element.labels[0] : element;
    const words = source.cloneNode(true);
    for (const hint of words.querySelectorAll("kbd, .optional, .hint")) hint.remove();
    return words.textContent.trim().replace(/\s+/g, " ");
  }

  function showHints() {
    for (const element of withKeys()) {
      const place = element.labels && element.labels.length ? element.labels[0] : element.querySelector("legend") || element;
      if (element === opener || element.hasAttribute("data-key-hidden")) continue;
      const hint = Object.assign(document.createElement("kbd"), { className: "key-hint", textContent: element.getAttribute("aria-keyshortcuts") });
      hint.setAttribute("aria-hidden", "true");
      place.append(" ", hint);
    }
  }

  function fillList() {
    const list = dialog.querySelector("[data-shortcut-list]");
    const known = new Set();
    list.replaceChildren(...withKeys().flatMap((element) => {
      const key = element.getAttribute("aria-keyshortcuts");
      if (known.has(key)) return [];
      known.add(key);
      const row = document.createElement("div");
      const term = document.createElement("dt");
      term.append(Object.assign(document.createElement("kbd"), { textContent: key }));
      row.append(term, Object.assign(document.createElement("dd"), { textContent: name(element) }));
      return [row];
    }));
  }

  // Up and down through the links of a list; from outside it, to the first or last link.
  function step(list, direction) {
    const links = Array.from(list.querySelectorAll("[data-row]"));
    const at = links.indexOf(document.activeElement);
    const to = at < 0 ? (direction > 0 ? 0 : links.length - 1) : at + direction;
    if (links[to]) links[to].focus();
  }

  function act(element) {
    if (element.dataset.step) return step(document.querySelector(".worklist"), Number(element.dataset.step));
    if (element.matches(".viewer")) return element.querySelector(".openseadragon-canvas").focus();
    if (element.closest(".viewer-tools")) return element.click(); // the focus stays where the reader works
    element.focus();
    if (!element.matches("textarea") && !element.hasAttribute("data-key-focus")) element.click();
  }

  // `detail`: when the key moved, which may be earlier than a busy page gets to it.
  const tell = (element, kind, event) => element.dispatchEvent(new CustomEvent(kind, { detail: event.timeStamp }));

  function pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.matches && event.target.matches(TYPING)) {
      if (event.key === "Escape") event.target.blur();
      return;
    }
    if (!enabled.checked || dialog.open) return;
    const [element] = withKeys(event.key);
    if (!element || element.disabled) return;
    event.preventDefault();
    if (event.repeat && !element.matches("[data-zoom], [data-step]")) return; // a key held down, or one that bounces
    if (element.hasAttribute("data-key-own")) return tell(element, "key:down", event);
    act(element);
  }

  function released(event) {
    for (const element of withKeys(event.key)) if (element.hasAttribute("data-key-own")) tell(element, "key:up", event);
  }

  function apply() {
    document.body.classList.toggle("shortcuts-off", !enabled.checked);
    localStorage.setItem(STORED, enabled.checked ? "on" : "off");
  }

  // What will be sent, next to the button that sends it.
  function summarise(form) {
    const line = form.querySelector("[data-chosen]");
    const update = () => {
      const chosen = Array.from(form.querySelectorAll("input[name=diagnosis]:checked, input[name=management]:checked, input[name=model_wrong]:checked"), name);
      line.textContent = chosen.join(" · ");
    };
    form.addEventListener("change", update);
    update();
  }

  enabled.checked = localStorage.getItem(STORED) !== "off";
  enabled.addEventListener("change", apply);
  apply();
  showHints();
  opener.hidden = false;
  opener.addEventListener("click", () => { fillList(); dialog.showModal(); });
  dialog.querySelector("[data-close]").addEventListener("click", () => dialog.close());
  document.addEventListener("keydown", pressed);
  document.addEventListener("keyup", released);
  const first = document.querySelector("[data-focus]"); // autofocus would scroll a phone past the case and its image
  if (first) first.focus({ preventScroll: true });
  for (const line of document.querySelectorAll("[data-chosen]")) summarise(line.closest("form"));
})();
