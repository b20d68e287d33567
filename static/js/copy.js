// A button with data-copy copies the text of the field it names. It is hidden unless this script runs.
(() => {
  async function copy(field) {
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      if (!document.execCommand("copy")) return false; // navigator.clipboard exists only over https and on localhost
    }
    return true;
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    const field = document.getElementById(button.dataset.copy);
    const said = document.getElementById(button.getAttribute("aria-describedby"));
    button.hidden = false;
    button.addEventListener("click", async () => {
      said.textContent = (await copy(field)) ? "Copied." : "The link is selected: please copy it yourself.";
    });
  }
})();
