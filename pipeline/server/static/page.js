// Drops, sends and shows; without it the form posts and comes back as a page of its own.
"use strict";

(() => {
  const form = document.getElementById("ask");
  const input = document.getElementById("file");
  const answers = document.getElementById("answers");
  const status = document.getElementById("status");
  const most = Number(form.dataset.mostBytes);
  let turn = 0; // of what is sent; what an earlier turn brings is put aside

  const stem = (name) => name.replace(/\.[^.]*$/, "");

  /** Files of one recording each: what has the same name but for its ending, as of WFDB. */
  function recordings(files) {
    const headers = files.filter((file) => /\.hea$/i.test(file.name));
    if (headers.length > 1 && headers.some((file) => headers.some((other) => other !== file && stem(other.name).startsWith(`${stem(file.name)}_`)))) {
      return [files]; // a recording in segments
    }
    const groups = new Map();
    for (const file of files) {
      const key = headers.length ? stem(file.name) : file.name;
      groups.set(key, [...(groups.get(key) || []), file]);
    }
    return [...groups.values()];
  }

  function problem(sentence) {
    const box = document.createElement("div");
    box.className = "problem";
    box.setAttribute("role", "alert");
    box.tabIndex = -1;
    const title = document.createElement("h2");
    title.textContent = "No answer";
    const text = document.createElement("p");
    text.textContent = sentence;
    box.append(title, text);
    return box;
  }

  /** Sends one recording; gives the part of a page that says what came of it. */
  async function ask(fields) {
    try {
      const response = await fetch("/", { method: "POST", body: fields, headers: { "X-Part": "1" } });
      const kind = response.headers.get("Content-Type") || "";
      if (!kind.startsWith("text/html")) return problem((await response.json()).problem);
      const part = document.createElement("template");
      part.innerHTML = await response.text(); // made by the server, which escapes all that is not its own
      return part.content.firstElementChild;
    } catch {
      return problem("the server does not answer: see whether it still runs");
    }
  }

  function fieldsOf(files, example) {
    const fields = new FormData(form);
    fields.delete("file");
    for (const file of files) fields.append("file", file, file.name);
    if (example) fields.append("example", "1");
    return fields;
  }

  async function send(groups, example = false) {
    const mine = ++turn;
    document.body.classList.add("busy");
    document.getElementById("empty")?.remove();
    answers.replaceChildren();
    let first = null;
    for (const [number, files] of groups.entries()) {
      const name = files.length ? files[0].name : "the example";
      status.textContent = groups.length > 1 ? `Reading ${name} (${number + 1} of ${groups.length}) …` : `Reading ${name} …`;
      const size = files.reduce((sum, file) => sum + file.size, 0);
      const part = size > most
        ? problem(`${name} is larger than ${form.dataset.mostMb} MB: start the server with a larger -most_mb`)
        : await ask(fieldsOf(files, example));
      if (mine !== turn) return;
      answers.append(part);
      first ??= part;
    }
    status.textContent = "";
    document.body.classList.remove("busy");
    first?.focus({ preventScroll: true });
    const top = first?.getBoundingClientRect().top ?? 0;
    if (top < 0 || top > window.innerHeight / 2) first.scrollIntoView({ block: "start" });
  }

  form.addEventListener("submit", (event) => {
    const elsewhere = event.submitter?.hasAttribute("formaction"); // a drawing, which the browser shows by itself
    if (elsewhere && input.files.length) return;
    event.preventDefault();
    const example = event.submitter?.name === "example";
    if (!example && !input.files.length) {
      answers.replaceChildren(problem("no recording is chosen yet: drop one, choose its file, or see the example"));
      answers.firstElementChild.focus();
      return;
    }
    if (form.querySelector("fieldset.runs") && !form.querySelector("input[name=run]:checked")) {
      answers.replaceChildren(problem("no run is asked: choose one"));
      answers.firstElementChild.focus();
      return;
    }
    send(example ? [[]] : recordings([...input.files]), example);
  });
  input.addEventListener("change", () => input.files.length && form.requestSubmit(form.querySelector(".primary")));

  let depth = 0;
  const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragenter", (event) => {
    if (holdsFiles(event)) document.body.classList.toggle("dragging", ++depth > 0);
  });
  document.addEventListener("dragleave", (event) => {
    if (holdsFiles(event)) document.body.classList.toggle("dragging", --depth > 0);
  });
  document.addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
  document.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    depth = 0;
    document.body.classList.remove("dragging");
    input.files = event.dataTransfer.files;
    if (input.files.length) form.requestSubmit(form.querySelector(".primary"));
  });
})();
