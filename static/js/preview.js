// A preview on the worklist: Space shows image and result of the case in focus, j and k the next and the one before,
// Enter opens it, Space or Escape closes. Everything it shows is on the case page too.
(() => {
  const dialog = document.getElementById("preview");
  if (!dialog) return;
  const links = Array.from(document.querySelectorAll("[data-preview]"));
  let at = -1;
  let asked = 0;

  async function show(index) {
    if (!links[index]) return;
    at = index;
    const mine = ++asked;
    let words;
    try {
      const answer = await fetch(links[at].dataset.preview, { headers: { Accept: "text/html" }, redirect: "error" });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      words = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("preview-content");
    } catch {
      words = Object.assign(document.createElement("p"), {
        textContent: "The preview could not be loaded. Open the case, or reload the page.",
      });
    }
    if (mine !== asked) return; // another one has been asked for since
    dialog.replaceChildren(words);
    if (!dialog.open) dialog.showModal();
    const open = dialog.querySelector("a[autofocus]");
    if (open) open.focus();
  }

  function inDialog(event) {
    if (event.key === " ") dialog.close();
    else if (event.key === "j") show(at + 1);
    else if (event.key === "k") show(at - 1);
    else return;
    event.preventDefault();
  }

  function onPage(event) {
    const inField = event.target.matches("input, select, textarea, button, summary");
    if (event.key !== " " || inField || document.querySelector("dialog[open]")) return;
    if (document.body.classList.contains("shortcuts-off")) return;
    const chosen = links.indexOf(document.activeElement);
    if (chosen < 0) return; // no case is in focus: the page scrolls
    event.preventDefault();
    show(chosen);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (dialog.open) inDialog(event);
    else onPage(event);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => { if (links[at]) links[at].focus(); });
})();
