// The image viewer: zoom and pan to full resolution (OpenSeadragon), the analysed square as a frame, and one heatmap
// at a time laid exactly over that square.
(() => {
  const RAMP = [[62, 6, 90], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];
  const FRAME = "analysed-frame";

  function colour(share) {
    const place = share * (RAMP.length - 1);
    const lower = Math.min(Math.floor(place), RAMP.length - 2);
    return RAMP[lower].map((from, channel) => from + (RAMP[lower + 1][channel] - from) * (place - lower));
  }

  async function loadHeatmap(url) {
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const bitmap = await createImageBitmap(await answer.blob());
    const canvas = document.createElement("canvas");
    canvas.width = bitmap.width;
    canvas.height = bitmap.height;
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
    for (let at = 0; at < pixels.data.length; at += 4) {
      const share = pixels.data[at] / 255;
      const [red, green, blue] = colour(share);
      pixels.data.set([red, green, blue, 255 * Math.min(1, share * 1.6)], at); // weak areas stay transparent
    }
    context.putImageData(pixels, 0, 0);
    canvas.className = "heatmap";
    return canvas;
  }

  function square(data) {
    const width = Number(data.width);
    return new OpenSeadragon.Rect(data.left / width, data.top / width, data.size / width, data.size / width);
  }

  // A viewer in ``box`` for the image that ``data`` describes, with the analysed square framed.
  function openViewer(box, data, label) {
    const viewer = OpenSeadragon({
      element: box,
      tileSources: { type: "image", url: data.image, buildPyramid: false },
      drawer: "canvas",
      showNavigationControl: false,
      maxZoomPixelRatio: 4,
      visibilityRatio: 0.5,
      animationTime: 0.3,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
    });
    viewer.canvas.setAttribute("aria-label", label);
    viewer.canvas.setAttribute("role", "img");
    viewer.addHandler("open-failed", () => {
      box.replaceChildren(Object.assign(document.createElement("p"), {
        className: "viewer-failed", textContent: "The image could not be loaded. Please reload the page.",
      }));
    });
    viewer.addHandler("open", () => {
      if (!data.size) return;
      const frame = Object.assign(document.createElement("div"), { className: FRAME });
      viewer.addOverlay({ element: frame, location: square(data) });
    });
    const zooms = {
      in: () => viewer.viewport.zoomBy(1.5),
      out: () => viewer.viewport.zoomBy(1 / 1.5),
      home: () => viewer.viewport.goHome(),
    };
    connectKeys(viewer, zooms);
    return { viewer, zooms };
  }

  function start(section) {
    const box = section.querySelector(".viewer");
    const tools = section.querySelector(".viewer-tools");
    const { viewer, zooms } = openViewer(box, box.dataset, box.getAttribute("aria-label"));
    connectTools(viewer, box, tools, zooms);
    tools.hidden = false;
  }

  // A second view of the same image; both move together. Resolves when it can take a heatmap.
  function openBeside(viewer, box) {
    const element = Object.assign(document.createElement("div"), { className: "viewer" });
    box.after(element);
    const twin = openViewer(element, box.dataset, `${box.getAttribute("aria-label")}, with the heatmap`).viewer;
    let following = false;
    const follow = (leader, follower) => leader.addHandler("viewport-change", () => {
      if (following || !follower.isOpen()) return;
      following = true;
      follower.viewport.zoomTo(leader.viewport.getZoom(), null, true);
      follower.viewport.panTo(leader.viewport.getCenter(), true);
      following = false;
    });
    follow(viewer, twin);
    follow(twin, viewer);
    return new Promise((ready) => twin.addHandler("open", () => ready(twin)));
  }

  function closeBeside(twin) {
    const { element } = twin;
    twin.destroy();
    element.remove();
  }

  // Uses the character, not the key code, so that + and − work on every keyboard layout. Letters do nothing: some
  // would make OpenSeadragon rotate or mirror the lesion.
  function connectKeys(viewer, zooms) {
    const actions = { "+": zooms.in, "=": zooms.in, "-": zooms.out, "−": zooms.out, 0: zooms.home };
    viewer.addHandler("canvas-key", (event) => {
      const { key, ctrlKey, metaKey, altKey } = event.originalEvent;
      if (ctrlKey || metaKey || altKey || key.length > 1) return;
      event.preventDefaultAction = true;
      if (actions[key]) actions[key]();
    });
  }

  function connectTools(viewer, box, tools, zooms) {
    const opacity = tools.querySelector("[data-opacity]");
    const trouble = tools.querySelector("[data-trouble]");
    const beside = tools.querySelector("[data-side-by-side]");
    const choices = Array.from(tools.querySelectorAll("input[type=radio]"));
    let shown = null; // the heatmap and its viewer
    let twin = null;
    let latest = "";

    async function show(choice) {
      latest = choice.value;
      trouble.textContent = "";
      if (shown) shown.viewer.removeOverlay(shown.canvas);
      shown = null;
      if (!choice.value) return;
      const canvas = await loadHeatmap(choice.dataset.url);
      if (latest !== choice.value) return; // the choice changed while this one was loading
      canvas.style.opacity = opacity.value / 100;
      place(canvas);
    }

    function place(canvas) {
      shown = { canvas, viewer: twin || viewer };
      shown.viewer.addOverlay({ element: canvas, location: square(box.dataset) });
    }

    function move() {
      shown.viewer.removeOverlay(shown.canvas);
      place(shown.canvas);
    }

    async function sideBySide() {
      const on = beside.getAttribute("aria-pressed") !== "true";
      beside.setAttribute("aria-pressed", on);
      beside.disabled = true;
      const old = twin;
      twin = on ? await openBeside(viewer, box) : null;
      if (shown) move();
      else if (on && choices[0].checked) choices[1].click(); // comparing two plain images is pointless
      if (old) closeBeside(old);
      beside.disabled = false;
    }

    for (const button of tools.querySelectorAll("[data-zoom]")) button.addEventListener("click", zooms[button.dataset.zoom]);
    for (const choice of choices) {
      choice.addEventListener("change", () => show(choice).catch(() => {
        choices[0].checked = true;
        trouble.textContent = "The heatmap could not be loaded. Please try again.";
      }));
    }
    if (opacity) opacity.addEventListener("input", () => { if (shown) shown.canvas.style.opacity = opacity.value / 100; });
    if (beside) beside.addEventListener("click", sideBySide);
  }

  // The panel next to the images fits the window. In an open form the fields scroll, so that the button below them
  // stays in view.
  function keepInWindow(side) {
    const fields = side.querySelector(".decision-fields");
    const bar = side.querySelector(".decision-submit");

    function fit() {
      const narrow = getComputedStyle(side).display === "contents";
      const box = side.getBoundingClientRect();
      const room = Math.max(320, innerHeight - box.top - 12);
      side.style.maxHeight = narrow ? "" : `${room}px`;
      if (!fields) return;
      const above = fields.getBoundingClientRect().top - box.top + side.scrollTop;
      fields.style.maxHeight = narrow ? "" : `${Math.max(240, room - above - bar.offsetHeight)}px`;
    }

    for (const event of ["scroll", "resize"]) addEventListener(event, fit, { passive: true });
    fit();
  }

  // OpenSeadragon adds an inline style, which the content security policy forbids, unless it finds one with this mark.
  // The mark is an element in our own namespace, not an HTML style, so the policy allows it.
  const mark = document.createElementNS("urn:dermtriage", "style");
  mark.setAttribute("data-openseadragon-mobile-css", "");
  document.head.append(mark);
  keepInWindow(document.querySelector(".reading-side"));
  for (const section of document.querySelectorAll(".image-reading")) start(section);
})();
