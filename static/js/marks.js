// Marks for the GP: numbered rings on the images and, in the form of the decision, what each shows. A hidden field of the
// form has them as JSON. On a decided case the rings are those of the decision in force.
(() => {
  const box = document.getElementById("viewer");
  const button = document.querySelector("[data-tool=mark]");
  const field = document.getElementById("marks-value");
  const { most, longest } = field ? field.dataset : {};
  const section = document.getElementById("marks");
  const status = document.querySelector("[data-tool-status]");
  const marks = read();
  let scene = null;
  let rings = [];

  function read() {
    try {
      const found = JSON.parse((field ? field.value : box.dataset.marks) || "[]");
      return Array.isArray(found) ? found : [];
    } catch {
      return []; // the server says that it could not be read
    }
  }

  const make = (name, facts, ...children) => {
    const element = Object.assign(document.createElement(name), facts);
    element.append(...children);
    return element;
  };

  function draw() {
    for (const ring of rings) scene.viewer.removeOverlay(ring);
    const { id, width, height } = scene.view.data;
    const here = Array.from(marks.entries()).filter(([, mark]) => String(mark.image) === id);
    rings = here.map(([at, mark]) => {
      const element = make("div", { className: "mark-ring", ariaHidden: "true" }, make("span", { textContent: at + 1 }));
      const location = new OpenSeadragon.Point(mark.x, (mark.y * height) / width);
      scene.viewer.addOverlay({ element, location, placement: OpenSeadragon.Placement.CENTER, checkResize: false });
      return element;
    });
  }

  function row(mark, at) {
    const image = document.querySelector(`.image-result[data-id="${Number(mark.image)}"]`);
    const id = `mark-${at + 1}`;
    const label = make("label", { htmlFor: id, textContent: `Mark ${at + 1}, ${image ? image.id.replace("-", " ") : "another image"}` });
    const text = make("input", { className: "form-control", type: "text", id, maxLength: Number(longest), value: mark.text, placeholder: "For example: biopsy here", autocomplete: "off" });
    const remove = make("button", { className: "btn btn-sm btn-outline-secondary", type: "button" }, "Remove", make("span", { className: "visually-hidden", textContent: ` mark ${at + 1}` }));
    text.addEventListener("input", () => { mark.text = text.value; save(); });
    text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault(); // it would send the decision
      text.blur();
    });
    remove.addEventListener("click", () => { marks.splice(at, 1); update(); focus(Math.min(at, marks.length - 1)); });
    return make("li", {}, label, text, remove);
  }

  function save() {
    field.value = marks.length ? JSON.stringify(marks) : "";
  }

  function list() {
    section.hidden = !marks.length && !section.classList.contains("has-error");
    section.querySelector("[data-marks-list]").replaceChildren(...marks.map(row));
  }

  function update() {
    save();
    list();
    draw();
  }

  function focus(at) {
    const text = document.getElementById(`mark-${at + 1}`);
    (text || button).focus();
  }

  function place({ detail }) {
    if (marks.length >= Number(most)) return explain();
    const fraction = (value) => Math.round(value * 1e5) / 1e5;
    marks.push({ image: Number(scene.view.data.id), x: fraction(detail.x), y: fraction(detail.y), text: "" });
    update();
    button.click(); // one press, one mark
    focus(marks.length - 1);
  }

  function explain() {
    status.textContent = marks.length < Number(most)
      ? "Click where the mark goes, or move the image under the cross and press Enter. Esc ends."
      : `There are ${most} marks, which is the most. Remove one first.`;
  }

  document.addEventListener("image:shown", ({ detail }) => {
    scene = detail;
    rings = []; // the viewer removes its overlays with the image
    draw();
    if (!button) return;
    const foreign = !scene.view.section; // of an earlier case
    if (foreign && button.getAttribute("aria-pressed") === "true") button.click();
    button.disabled = foreign;
  });
  if (!field) return;
  list();
  button.addEventListener("tool:on", explain);
  button.addEventListener("tool:point", place);
})();
