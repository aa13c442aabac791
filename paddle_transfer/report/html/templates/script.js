"use strict";
(() => {
  const DATA = JSON.parse(document.getElementById("data").textContent);
  const PAPER = 640; // px of a printed page of A4
  const NONCE = document.currentScript.nonce;
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const remember = (name, value) => { try { localStorage.setItem(`paddle_transfer.${name}`, value); } catch { /* no storage here */ } };
  const recall = (name) => { try { return localStorage.getItem(`paddle_transfer.${name}`); } catch { return null; } };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let language = recall("language") || root.dataset.asked || (navigator.language.startsWith("zh") ? "zh" : "en");
  let theme = recall("theme") || "auto";
  let ready = false;

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  const textOf = (key) => DATA.texts[language][key] ?? key;

  function translate() {
    root.lang = language;
    for (const one of all("[data-t]")) one.textContent = fill(textOf(one.dataset.t), JSON.parse(one.dataset.a || "{}"));
    for (const one of all("[data-t-attr]")) {
      const [name, key] = one.dataset.tAttr.split(":");
      one.setAttribute(name, textOf(key));
    }
    document.title = `${document.querySelector("h1").firstChild.textContent.trim()} · ${textOf("report")}`;
  }

  // -- plots ---------------------------------------------------------------------------------
  const withTexts = (figure) => JSON.parse(JSON.stringify(figure).replace(/⟦(\w+)⟧/g, (_, key) => JSON.stringify(textOf(key)).slice(1, -1)));

  function template() {
    const style = getComputedStyle(root), colour = (name) => style.getPropertyValue(name).trim();
    const axis = { gridcolor: colour("--line"), linecolor: colour("--muted"), tickcolor: colour("--line"), zerolinecolor: colour("--line"), title: { standoff: 8, font: { size: 13, color: colour("--muted") } } };
    return { layout: {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", xaxis: axis, yaxis: axis,
      font: { family: style.getPropertyValue("--sans"), size: 13, color: colour("--fg") },
      hoverlabel: { bgcolor: colour("--soft"), bordercolor: colour("--line"), font: { color: colour("--fg"), size: 13 }, align: "left" },
      colorscale: { sequential: [[0, colour("--soft")], [1, colour("--accent")]] },
    } };
  }

  function draw(printed) {
    if (!ready) return;
    const narrow = innerWidth < 600;
    for (const place of all("[data-plot]")) {
      const figure = withTexts(DATA.figures[place.dataset.plot]);
      figure.layout.template = template();
      if (printed) figure.layout.width = place.closest(".small-multiples") ? PAPER / 3 - 16 : PAPER;
      if (narrow) figure.layout.margin = { ...figure.layout.margin, l: 44, r: 4 };
      Plotly.react(place, figure.data, figure.layout, {
        responsive: true, displaylogo: false, locale: "en",
        modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d"],
      });
    }
  }

  async function unpack() {
    const bytes = Uint8Array.from(atob(document.getElementById("plotly").textContent), (one) => one.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.nonce = NONCE;
    script.textContent = await new Response(stream).text();
    document.head.append(script);
  }

  async function start() {
    if (!all("[data-plot]").length) return;
    if (typeof DecompressionStream === "undefined") {
      for (const place of all("[data-plot]")) place.textContent = textOf("old_browser");
      return;
    }
    await unpack();
    ready = true;
    draw();
    root.dataset.drawn = "true";
  }

  // -- tables --------------------------------------------------------------------------------
  function sortBy(heading) {
    const table = heading.closest("table"), body = table.tBodies[0];
    const column = [...heading.parentNode.children].indexOf(heading);
    const down = heading.getAttribute("aria-sort") === "ascending";
    for (const other of heading.parentNode.children) other.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    const keyOf = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
    const compare = (one, other) => {
      if (one === "" || other === "") return (one === "") - (other === "");  // empty ones last
      const [a, b] = [Number(one), Number(other)];
      const order = Number.isNaN(a) || Number.isNaN(b) ? one.localeCompare(other) : a - b;
      return down ? -order : order;
    };
    const rows = [...body.rows].map((row) => [keyOf(row), row]).sort((one, other) => compare(one[0], other[0]));
    const whole = table.dataset.whole === "true", shown = Number(table.dataset.shown);
    rows.forEach(([, row], place) => {
      row.hidden = !whole && place >= shown && !row.classList.contains("baseline");
      body.append(row);
    });
  }

  for (const button of all(".sort")) button.addEventListener("click", () => sortBy(button.closest("th")));
  for (const button of all(".more")) button.addEventListener("click", () => {
    const table = button.parentNode.querySelector("table");
    table.dataset.whole = "true";
    for (const row of table.tBodies[0].rows) row.hidden = false;
    button.remove();
  });

  for (const button of all(".copy")) button.addEventListener("click", async () => {
    const label = button.querySelector("[data-t]");
    try { await navigator.clipboard.writeText(button.parentNode.querySelector("code").textContent); } catch { return; }
    label.dataset.t = "copied";
    label.textContent = textOf("copied");
    setTimeout(() => { label.dataset.t = "copy"; label.textContent = textOf("copy"); }, 1500);
  });

  // -- switches ------------------------------------------------------------------------------
  function paint() {
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    draw();
  }
  const languages = document.getElementById("language"), themes = document.getElementById("theme");
  languages.value = language;
  themes.value = theme;
  languages.addEventListener("change", () => { language = languages.value; remember("language", language); translate(); draw(); });
  themes.addEventListener("change", () => { theme = themes.value; remember("theme", theme); paint(); });
  dark.addEventListener("change", () => paint());
  addEventListener("beforeprint", () => { root.dataset.theme = "light"; draw(true); });
  addEventListener("afterprint", paint);
  if (theme !== "auto") root.dataset.theme = theme;
  translate();
  start();
})();
