// A form marked data-decides is sent only once every image of the case has been painted on the screen; on a telephone its
// button stays in view, and leads to what is still to be chosen.
(() => {
  const unseen = new Set(Array.from(document.querySelectorAll(".image-result"), (section) => section.id));
  const said = () => document.querySelector("[data-unseen]");

  function mark() {
    for (const frame of document.querySelectorAll("[data-frame]")) frame.classList.toggle("unseen", unseen.has(frame.dataset.frame));
  }

  function wait() {
    const [first] = unseen;
    const name = document.querySelector(`#${first} h2`).firstChild.textContent.trim();
    said().textContent = `${name} has not been looked at yet. It is shown now: look, then send again.`;
    document.dispatchEvent(new CustomEvent("image:wanted", { detail: first }));
  }

  document.addEventListener("image:painted", ({ detail }) => {
    unseen.delete(detail.view.id);
    document.body.dataset.painted = detail.view.id;
    mark();
  });
  document.addEventListener("submit", (event) => {
    const elsewhere = event.submitter && event.submitter.hasAttribute("formaction");
    if (!event.target.matches("[data-decides]") || elsewhere || !unseen.size) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    wait();
  }, { capture: true });

  for (const button of document.querySelectorAll("[data-decides] [type=submit]")) {
    button.addEventListener("click", (event) => {
      const open = Array.from(button.form.querySelectorAll("fieldset")).find((group) => group.querySelector("[name=diagnosis], [name=management]") && !group.querySelector(":checked"));
      if (!open || getComputedStyle(button.parentElement).position !== "fixed") return;
      event.preventDefault();
      open.scrollIntoView({ block: "center" });
      open.querySelector("input").focus({ preventScroll: true });
    });
  }
  mark();
})();
