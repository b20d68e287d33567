// The submission form: previews, checks before sending, progress while sending. After a refusal the chosen images
// stay chosen. Without this script the form works as a plain form.
(() => {
  const form = document.getElementById("case-form");
  if (!form) return;
  const megabyte = 1024 * 1024;
  const accepted = ["image/jpeg", "image/png", "image/webp"];

  function problem(file) {
    if (file.type && !accepted.includes(file.type)) return "not a JPEG, PNG or WebP image";
    if (file.size > form.dataset.maxMegabytes * megabyte) return `larger than ${form.dataset.maxMegabytes} MB`;
    return file.size === 0 ? "empty" : "";
  }

  function preview() {
    const list = document.getElementById("previews");
    for (const image of list.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    list.replaceChildren(...Array.from(document.getElementById("images").files, (file) => {
      const item = document.createElement("li");
      const trouble = problem(file);
      if (trouble) {
        item.className = "refused";
        item.textContent = `${file.name}: ${trouble}`;
        return item;
      }
      const image = document.createElement("img");
      image.src = URL.createObjectURL(file);
      image.alt = "";
      item.append(image, file.name);
      return item;
    }));
    const extra = list.children.length - Number(form.dataset.maxFiles);
    if (extra > 0) {
      const item = document.createElement("li");
      item.className = "refused";
      item.textContent = `At most ${form.dataset.maxFiles} images: please choose ${extra} fewer`;
      list.append(item);
    }
  }

  function say(text, share) {
    const box = document.getElementById("upload-progress");
    box.hidden = !text;
    document.getElementById("upload-text").textContent = text;
    if (share !== undefined) document.getElementById("upload-bar").value = share * 100;
  }

  function lock(locked) {
    form.querySelector("button[type=submit]").disabled = locked;
  }

  function showRefusal(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const answer = fresh.getElementById("case-form");
    if (!answer) return showPage(html);
    const chosen = document.getElementById("images");
    form.replaceChildren(...answer.childNodes);
    document.getElementById("images").replaceWith(chosen);
    document.title = fresh.title;
    preview();
    lock(false);
    const summary = document.getElementById("error-summary");
    if (summary) summary.focus();
  }

  function showPage(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const main = fresh.getElementById("main");
    if (!main) return failed();
    say("", 0);
    lock(false);
    const notice = document.createElement("div");
    notice.className = "flash flash-error";
    notice.setAttribute("role", "alert");
    notice.append(...Array.from(main.querySelectorAll("h1, .lead"), (part) => {
      const line = document.createElement("p");
      line.textContent = part.textContent;
      return line;
    }));
    form.prepend(notice);
    notice.scrollIntoView({ block: "center" });
  }

  function failed() {
    lock(false);
    say("The connection was lost. Your entries are still here: please send again. The case will not be doubled.", 0);
  }

  form.addEventListener("change", (event) => {
    if (event.target.id === "images") preview();
  });

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    lock(true);
    say("Sending …", 0);
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (at) => {
      if (at.lengthComputable) say(at.loaded < at.total ? "Sending …" : "Checking the images …", at.loaded / at.total);
    });
    request.addEventListener("load", () => {
      if (request.status < 400) window.location.assign(request.responseURL);
      else if (request.status === 422) showRefusal(request.responseText);
      else showPage(request.responseText);
    });
    request.addEventListener("error", failed);
    request.open("POST", form.action);
    request.send(new FormData(form));
  });
})();
