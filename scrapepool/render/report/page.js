// Makes the tables of a report sortable and filterable, draws its charts, and shows the page of a host.
// The tables are complete without it. Text out of records is only ever set as textContent.
"use strict";
(() => {
  const reports = JSON.parse(document.getElementById("figures").textContent);
  const names = reports.length > 1 ? ["A", "B"] : ["URLs"];
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const make = (tag, text, attributes = {}) => {
    const node = document.createElement(tag);
    if (text !== undefined && text !== null) node.textContent = text;
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const count = (number) => number.toLocaleString("en");
  const size = (bytes) => {
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let place = 0;
    while (bytes >= 999.5 && place < units.length - 1) { bytes /= 1000; place += 1; }
    return `${place && bytes < 99.95 ? bytes.toFixed(1) : Math.round(bytes)} ${units[place]}`;
  };
  const seconds = (value) => {
    if (value === null || value === undefined) return "";
    if (value < 0.00995) return `${(value * 1000).toFixed(1)} ms`;
    if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
    return value < 9.95 ? `${value.toFixed(1)} s` : `${Math.round(value)} s`;
  };

  // -- copying the command that explains a URL

  const copyButton = (command) => {
    const button = make("button", "copy explain", { type: "button", class: "copy", title: command });
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command);
        button.textContent = "copied";
      } catch { // a page from a file may have no clipboard: the command is shown to be copied by hand
        button.replaceWith(make("code", ` ${command}`));
      }
    });
    return button;
  };
  for (const cell of all("[data-explain]")) cell.append(copyButton(cell.dataset.explain));
  const plain = /^[\w@%+=:,./-]+$/;
  const quoted = (text) => (plain.test(text) ? text : `'${text.replaceAll("'", "'\"'\"'")}'`);
  const explain = (report, url) => {
    const dashes = report.records.startsWith("-") || url.startsWith("-") ? "-- " : "";
    return `scrapepool explain ${dashes}${quoted(report.records)} ${quoted(url)}`;
  };

  // -- sorting and filtering

  const compare = (one, other) => {
    if (one.v !== null && other.v !== null) return one.v - other.v;
    if (one.v !== null || other.v !== null) return one.v === null ? -1 : 1;
    return one.text < other.text ? -1 : one.text > other.text ? 1 : 0;
  };
  const sort = (table, place, ascending) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => {
      const cell = row.cells[place];
      return { row, v: cell.dataset.v === undefined ? null : Number(cell.dataset.v), text: cell.textContent };
    });
    rows.sort((one, other) => (ascending ? compare(one, other) : compare(other, one)));
    body.append(...rows.map(({ row }) => row));
    [...table.tHead.rows[0].cells].forEach((head, number) => {
      if (head.hasAttribute("aria-sort")) head.setAttribute("aria-sort", number === place ? (ascending ? "ascending" : "descending") : "none");
    });
  };
  const sortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      if (!head.textContent) return;
      const button = make("button", head.textContent, { type: "button" });
      head.replaceChildren(button);
      head.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        sort(table, place, now === "none" ? !head.classList.contains("n") : now === "descending");
      });
    });
  };
  const filterable = (section, table) => {
    const label = make("label", "Filter ");
    const input = make("input", null, { type: "search", placeholder: section.id === "hosts" && names.length === 1 ? "text, or failures>0" : "text" });
    const shown = make("span", null, { role: "status", class: "note" });
    const heads = [...table.tHead.rows[0].cells].map((head) => head.textContent.toLowerCase());
    label.append(input);
    const line = make("div", null, { class: "filter" });
    line.append(label, shown);
    section.querySelector(".scroll").before(line);
    input.addEventListener("input", () => {
      const tests = input.value.toLowerCase().split(/\s+/).filter(Boolean).map((word) => {
        const found = /^(.+?)([<>])([\d.]+)$/.exec(word);
        const place = found ? heads.findIndex((name) => name.replaceAll(" ", "") === found[1]) : -1;
        if (place < 0) return (row) => row.textContent.toLowerCase().includes(word);
        const bound = Number(found[3]);
        return (row) => {
          const value = Number(row.cells[place].dataset.v ?? NaN);
          return found[2] === ">" ? value > bound : value < bound;
        };
      });
      let number = 0;
      for (const row of table.tBodies[0].rows) {
        row.hidden = !tests.every((test) => test(row));
        number += !row.hidden;
      }
      shown.textContent = `${count(number)} of ${count(table.tBodies[0].rows.length)} rows`;
    });
  };
  for (const section of all("section")) {
    for (const table of all("table", section)) {
      sortable(table);
      if (table.tBodies[0].rows.length > 15) filterable(section, table);
    }
  }

  // -- charts

  let printing = false;
  const colour = (name) => {
    if (printing) return { "--text": "#000", "--line": "#bbb", "--a": "#0a5bc4", "--b": "#b35900", "--bad": "#c1121f" }[name];
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  };
  const charts = new Map();
  const draw = (figure, options, data) => {
    charts.get(figure)?.destroy();
    const axis = { stroke: colour("--text"), grid: { stroke: colour("--line") }, ticks: { stroke: colour("--line") } };
    charts.set(figure, new uPlot({
      width: Math.max(240, figure.clientWidth || 640), height: 220, ...options,
      axes: options.axes.map((one) => ({ ...axis, ...one })),
    }, data, figure));
  };
  // Buckets are joined to bins of equal width on a logarithmic axis: 12 per power of ten.
  const bins = (lists) => {
    const place = (begin, end) => Math.floor(Math.log10((begin + end) / 2) * 12);
    const found = lists.map((buckets) => {
      const counts = new Map();
      for (const [begin, end, number] of buckets) {
        const bin = place(begin, end);
        counts.set(bin, (counts.get(bin) ?? 0) + number);
      }
      return counts;
    });
    const keys = found.flatMap((counts) => [...counts.keys()]);
    if (!keys.length) return null;
    const [low, high] = [Math.min(...keys) - 1, Math.max(...keys) + 1];
    const places = Array.from({ length: high - low + 1 }, (_, number) => low + number);
    return [places.map((bin) => 10 ** ((bin + 0.5) / 12)), ...found.map((counts) => places.map((bin) => counts.get(bin) ?? 0))];
  };
  const histogram = (figure, lists, show, names) => {
    const data = bins(lists);
    if (!data) return;
    const single = data.length === 2;
    const powers = [];
    for (let power = Math.ceil(Math.log10(data[0][0])); 10 ** power <= data[0].at(-1); power += 1) powers.push(10 ** power);
    const strokes = [colour("--a"), colour("--b")];
    draw(figure, {
      scales: { x: { time: false, distr: 3, range: [data[0][0], data[0].at(-1)] }, y: { range: (u, low, high) => [0, Math.max(1, high * 1.05)] } },
      axes: [
        { splits: () => powers, values: (u, splits) => splits.map(show) },
        { size: 64, values: (u, splits) => splits.map((value) => (Number.isInteger(value) ? count(value) : "")) },
      ],
      series: [
        { label: "around", value: (u, value) => (value === null ? "" : show(value)) },
        ...names.map((name, number) => ({
          label: name, stroke: strokes[number], fill: single ? `${strokes[0]}66` : undefined, width: 1.5,
          paths: uPlot.paths.stepped({ align: 1 }), points: { show: false },
          value: (u, value) => (value === null ? "" : count(value)),
        })),
      ],
    }, data);
  };
  const timeline = (figure, found, kind) => {
    figure.hidden = found.ok.length < 2; // the table says as much of a single moment
    if (figure.hidden) return;
    figure.hidden = found.ok.length < 2; // the table says as much of a single moment
    if (figure.hidden) return;
    const times = found.ok.map((_, number) => found.from + number * found.step);
    const rate = (values) => values.map((value) => value / found.step);
    const line = (label, stroke, show) => ({ label, stroke: colour(stroke), width: 1.5, points: { show: false }, value: (u, value) => (value === null ? "" : show(value)) });
    const perSecond = (value) => `${value < 10 ? value.toFixed(1) : count(Math.round(value))}/s`;
    const [series, data] = kind === "rate"
      ? [[line("succeeded", "--a", perSecond), line("failed", "--bad", perSecond)], [rate(found.ok), rate(found.failed)]]
      : [[line("p50", "--a", seconds), line("p95", "--b", seconds)], [found.p50, found.p95]];
    const show = kind === "rate" ? perSecond : seconds;
    draw(figure, {
      tzDate: (time) => uPlot.tzDate(new Date(time * 1e3), "Etc/UTC"),
      scales: {
        x: { range: [found.from, found.from + Math.max(1, times.length - 1) * found.step] },
        y: { range: (u, low, high) => [0, Math.max(high * 1.05, 1e-6)] },
      },
      axes: [{}, { size: 64, values: (u, splits) => splits.map(show) }],
      series: [{ label: "time" }, ...series],
    }, [times, ...data]);
  };
  const drawAll = () => {
    for (const figure of all("figure[data-chart]")) {
      const [kind, side] = figure.dataset.chart.split(":");
      if (kind === "latency") histogram(figure, reports.map((one) => one.latency.buckets), seconds, names);
      else if (kind === "sizes") histogram(figure, reports.map((one) => one.sizes.buckets), size, names);
      else if (kind === "host") shownHost?.(figure);
      else if (reports[side].timeline) timeline(figure, reports[side].timeline, kind);
    }
  };

  // -- the page of a host

  let shownHost = null;
  const dialog = document.getElementById("host");
  const examples = (report, list) => {
    const body = make("tbody");
    for (const one of list) {
      const row = body.insertRow();
      row.append(make("td", one.error), make("td", one.status ?? ""), make("td", seconds(one.elapsed), { class: "n" }), make("td", size(one.bytes), { class: "n" }));
      const cell = make("td", one.url, { class: "url" });
      if (one.explain) cell.append(copyButton(explain(report, one.url)));
      row.append(cell, make("td", one.detail ?? ""));
    }
    const table = make("table");
    const head = table.createTHead().insertRow();
    for (const name of ["result", "status", "took", "size", "URL", "detail"]) head.append(make("th", name, { scope: "col" }));
    table.append(body);
    const scroll = make("div", null, { class: "scroll" });
    scroll.append(table);
    return scroll;
  };
  const facts = (row) => {
    const words = (counts) => Object.entries(counts).map(([word, number]) => `${word} ${count(number)}`).join(", ") || "none";
    const list = [
      ["URLs", count(row.count)], ["failures", count(row.failures)], ["outcomes", words(row.outcomes)],
      ["errors", words(row.errors)], ["statuses", words(row.statuses)], ["received", size(row.bytes)],
      ["p50, p90, p95, p99, p99.9, max", ["p50", "p90", "p95", "p99", "p99_9", "max"].map((name) => seconds(row.latency[name]) || "-").join(", ")],
    ];
    const table = make("table");
    const body = table.createTBody();
    for (const [name, value] of list) body.insertRow().append(make("th", name, { scope: "row" }), make("td", value));
    return table;
  };
  const showHost = (name) => {
    const rows = reports.map((report) => report.hosts.find((row) => row.host === name));
    if (!rows.some(Boolean)) return;
    const body = dialog.querySelector("div");
    body.replaceChildren();
    dialog.querySelector("h2").textContent = name;
    const figure = make("figure", null, { "data-chart": "host", role: "img", "aria-label": `Latency of ${name}` });
    figure.append(make("figcaption", "URLs by the seconds that the last attempt took"));
    body.append(figure);
    rows.forEach((row, number) => {
      if (!row) return;
      if (reports.length > 1) body.append(make("h3", `${names[number]}: ${reports[number].records}`));
      body.append(facts(row));
      if (row.examples.length) body.append(make("h3", "Examples of failures"), examples(reports[number], row.examples));
      if (row.slowest.length) body.append(make("h3", "Slowest pages"), examples(reports[number], row.slowest));
    });
    if (!dialog.open) dialog.showModal();
    shownHost = (one) => histogram(one, rows.map((row) => row?.latency.buckets ?? []), seconds, names);
    shownHost(figure);
  };
  const route = () => {
    const found = /^#host=(.*)$/.exec(location.hash);
    if (found) showHost(decodeURIComponent(found[1]));
    else if (dialog.open) dialog.close();
  };
  dialog.querySelector("header button").addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    shownHost = null;
    if (location.hash.startsWith("#host=")) history.pushState(null, "", "#hosts");
  });
  window.addEventListener("hashchange", route);
  window.addEventListener("beforeprint", () => { printing = true; drawAll(); });
  window.addEventListener("afterprint", () => { printing = false; drawAll(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  let pending = 0;
  window.addEventListener("resize", () => { clearTimeout(pending); pending = setTimeout(drawAll, 150); });
  drawAll();
  route();
  document.documentElement.dataset.ready = "yes";
})();
