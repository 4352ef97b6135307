"use strict";
// Moves the threshold of a class: its counts, and the marks in its drawings.
(function () {
  const page = document.documentElement;
  page.classList.add("moves");
  const plain = (x) => (Number.isFinite(x) ? x.toFixed(3) : "–");
  const counted = (n) => n.toLocaleString("en-US");

  function show(panel, of, i) {
    const tp = of.tp[i], fp = of.fp[i], fn = of.n[0] - tp, tn = of.n[1] - fp;
    const said = {
      TP: counted(tp), FN: counted(fn), FP: counted(fp), TN: counted(tn),
      threshold: String(Number(of.t[i].toPrecision(4))),
      sensitivity: plain(tp / (tp + fn)), specificity: plain(tn / (tn + fp)),
      precision: plain(tp / (tp + fp)), f1: plain((2 * tp) / (2 * tp + fp + fn)),
      what: i === of.start ? panel.dataset.what : "moved",
    };
    for (const cell of panel.querySelectorAll("[data-of]")) cell.textContent = said[cell.dataset.of];
    const line = panel.querySelector(".cut");
    const x = place(of.t[i], of.range);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    dot(panel.querySelector(".roc .dot"), fp / (fp + tn), tp / (tp + fn));
    dot(panel.querySelector(".pr .dot"), tp / (tp + fn), tp / (tp + fp));
    panel.querySelector("input").setAttribute("aria-valuetext",
      `${said.threshold}: ${said.TP} found, ${said.FN} missed, ${said.FP} found wrongly`);
    panel.querySelector("button").disabled = i === of.start;
  }

  function place(threshold, [low, high]) { // as class_charts.py has it
    const p = Math.min(Math.max(threshold, 1e-6), 1 - 1e-6);
    const odds = Math.min(Math.max(Math.log(p / (1 - p)), low), high);
    return (50 + ((odds - low) / (high - low)) * 556).toFixed(1);
  }

  function dot(circle, x, y) {
    if (!circle) return;
    const is = Number.isFinite(x) && Number.isFinite(y);
    circle.toggleAttribute("hidden", !is);
    if (!is) return;
    circle.setAttribute("cx", 42 + x * 246); // as frame.py has it
    circle.setAttribute("cy", 210 - y * 200);
  }

  for (const of of JSON.parse(document.getElementById("steps").textContent)) {
    const panel = document.querySelector(`[data-key="${of.key}"]`);
    const slider = panel.querySelector("input");
    panel.dataset.what = panel.querySelector("[data-of=what]").textContent;
    slider.value = of.start; // a browser that comes back keeps what it had
    slider.addEventListener("input", () => show(panel, of, Number(slider.value)));
    panel.querySelector("button").addEventListener("click", () => {
      slider.value = of.start;
      show(panel, of, of.start);
      slider.focus();
    });
    show(panel, of, of.start);
  }

  let closed = [];
  addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of closed) each.open = false; });
})();
