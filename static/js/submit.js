// Sending the form: shows progress, and after a refusal keeps everything, including the images. Without this script it
// is a plain form.
(() => {
  const form = document.getElementById("case-form");
  if (!form) return;
  const PATIENCE = 8; // automatic retries: five minutes in all

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
    form.replaceChildren(...answer.childNodes);
    document.title = fresh.title;
    form.dispatchEvent(new Event("redrawn"));
    lock(false);
    const summary = document.getElementById("error-summary");
    if (summary) summary.focus();
  }

  function showPage(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const main = fresh.getElementById("main");
    if (!main) return failed("The service cannot accept images at the moment.");
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
    const wayOut = main.querySelector("a[data-way-out]");
    if (wayOut) notice.append(wayOut);
    form.prepend(notice);
    notice.scrollIntoView({ block: "center" });
  }

  function failed(why) {
    lock(false);
    say(`${why} Your entries are still here. Please send again: this will not create a second case.`, 0);
  }

  // The name of the first chosen file that can no longer be read: a browser then stops sending without saying why.
  async function unreadable() {
    for (const file of new FormData(form).getAll("images")) {
      try {
        await file.slice(0, 1).arrayBuffer();
      } catch {
        return file.name;
      }
    }
    return "";
  }

  // The server gives the address of the case. A redirect, for example to the sign-in page, means nothing was sent.
  function arrived(request) {
    if (request.status !== 201) return window.location.assign(request.responseURL);
    form.dispatchEvent(new Event("sent"));
    window.location.assign(JSON.parse(request.responseText).page);
  }

  // The server is busy or its store is down: retry later, at a random moment. Sending twice still makes one case.
  function sendLater(seconds, tries) {
    const pause = Math.min(60, seconds * 2 ** tries) * (0.8 + 0.4 * Math.random());
    say(`The service cannot accept images at the moment. Trying again in about ${Math.round(pause)} seconds: please leave this page open.`, 0);
    setTimeout(() => send(tries + 1), pause * 1000);
  }

  function send(tries) {
    say("Sending …", 0);
    const request = new XMLHttpRequest();
    request.upload.addEventListener("progress", (at) => {
      if (at.lengthComputable) say(at.loaded < at.total ? "Sending …" : "Checking the images …", at.loaded / at.total);
    });
    request.addEventListener("load", () => {
      const later = Number(request.getResponseHeader("Retry-After"));
      if (request.status < 400) arrived(request);
      else if (request.status === 503 && later && tries < PATIENCE) sendLater(later, tries);
      else if (request.status === 422 || request.status === 503) showRefusal(request.responseText);
      else showPage(request.responseText);
    });
    request.addEventListener("error", () => unreadable().then((name) => {
      failed(name ? `“${name}” was changed or moved after you chose it. Please choose it again.` : "The connection was lost.");
    }));
    request.open("POST", form.action);
    request.setRequestHeader("X-Requested-With", "XMLHttpRequest");
    request.send(new FormData(form));
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    lock(true);
    send(0);
  });
})();
