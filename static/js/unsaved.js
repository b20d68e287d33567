// Asks for confirmation before leaving a page with unsent entries in a form marked data-unsaved.
(() => {
  const entries = (form) => JSON.stringify(Array.from(new FormData(form)).filter(([name]) => name !== "csrf_token"));

  for (const form of document.querySelectorAll("form[data-unsaved]")) {
    const before = entries(form);
    let sent = false;
    form.addEventListener("submit", () => { sent = true; });
    window.addEventListener("beforeunload", (event) => {
      if (!sent && entries(form) !== before) event.preventDefault();
    });
  }
})();
