// Keeps part of a page up to date: an element with data-poll fetches that address repeatedly and replaces itself with
// the response, until a response has no data-poll.
(() => {
  const PAUSE = 2000;
  const LONGEST_PAUSE = 30000;

  // Keeps the keyboard focus on the same link.
  function replace(element, fresh) {
    const focused = element.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    element.replaceWith(fresh);
    const link = focused && fresh.querySelector(`a[href="${CSS.escape(focused)}"]`);
    if (link) link.focus();
  }

  function watch(element, pause) {
    if (!element || !element.dataset.poll) return;
    setTimeout(async () => {
      if (document.hidden) return watch(element, pause);
      try {
        const answer = await fetch(element.dataset.poll, { headers: { Accept: "text/html" }, redirect: "error" });
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(element.id);
        if (!fresh) return window.location.reload(); // the whole page has changed
        const changed = fresh.textContent !== element.textContent;
        if (changed) replace(element, fresh);
        watch(changed ? fresh : element, changed ? PAUSE : Math.min(pause * 1.25, LONGEST_PAUSE));
      } catch {
        watch(element, Math.min(pause * 2, LONGEST_PAUSE)); // server down or session over: poll less often
      }
    }, pause);
  }

  for (const element of document.querySelectorAll("[data-poll]")) watch(element, PAUSE);
})();
