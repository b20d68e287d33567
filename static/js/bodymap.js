// Pointing at the figure sets the list of body sites, and the list marks the figure.
(() => {
  const form = document.getElementById("case-form");
  if (!form) return;
  const find = (id) => document.getElementById(id);

  function mark() {
    find("body-map").hidden = false;
    for (const region of find("body-map").querySelectorAll("[data-site]")) {
      region.classList.toggle("chosen", region.dataset.site === find("body_site").value);
    }
  }

  form.addEventListener("click", (event) => {
    const region = event.target.closest("#body-map [data-site]");
    if (!region) return;
    find("body_site").value = region.dataset.site;
    find("body_site").dispatchEvent(new Event("change", { bubbles: true }));
  });
  form.addEventListener("change", (event) => {
    if (event.target.id === "body_site") mark();
  });
  form.addEventListener("redrawn", mark);
  mark();
})();
