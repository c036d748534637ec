// Keys, a search over labels, spans by selection, and answers that do not reload the page. Without this file the page
// still works by its buttons.
"use strict";
(() => {
  const $ = (query, from = document) => from.querySelector(query);
  const $$ = (query, from = document) => [...from.querySelectorAll(query)];
  let busy = false, spent = 0, since = performance.now(), renewed = Date.now(), cursor = null, anchor = null;

  // time on a row, while the page is looked at

  const looked = () => spent + (document.hidden ? 0 : performance.now() - since);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) spent += performance.now() - since;
    since = performance.now();
  });

  // answers

  const say = (text) => { const at = $("#notice"); at.textContent = text; at.hidden = !text; };

  async function send(form, button) {
    if (busy) return;
    busy = true;
    if (form.elements.seconds) form.elements.seconds.value = (looked() / 1000).toFixed(1);
    if (form.elements.tags) form.elements.tags.value = JSON.stringify(tags());
    const to = button?.getAttribute("formaction") || form.getAttribute("action");
    try {
      const answer = await fetch(to, { method: "POST", body: new URLSearchParams(new FormData(form, button)) });
      if (answer.status === 401 || answer.status === 403) return location.reload();
      show(await answer.text(), answer.status === 422);
    } catch {
      say("The page's server does not answer. Your last answer was not saved; try again.");
    } finally {
      busy = false;
    }
  }

  function show(html, refused) {
    const next = new DOMParser().parseFromString(html, "text/html");
    if (!$("#page", next)) return say("The page's server answered with an error; your last answer was not saved.");
    if (refused) return say($("#notice", next).textContent); // what was typed stays
    const clock = $("#main").dataset.clock, before = looked();
    $("#page").replaceWith(document.adoptNode($("#page", next)));
    document.title = next.title;
    const goes = clock !== undefined && clock === $("#main").dataset.clock; // nothing was written: the time goes on
    [spent, since, cursor, anchor] = [goes ? before : 0, performance.now(), null, null];
    scrollTo(0, 0);
    $("#main").focus({ preventScroll: true });
    listen();
  }

  document.addEventListener("submit", (event) => {
    if (!$("#verdict")) return; // the first page is a plain form
    event.preventDefault();
    send(event.target, event.submitter);
  });

  // keys

  const press = (key) => { const button = $(`[data-key~="${key}"]`); if (button) button.click(); return !!button; };

  function open(panel, field) {
    if (!panel) return false;
    panel.open = true;
    const at = $(field, panel) || $("button, input, summary", panel);
    at?.focus();
    if (at?.setSelectionRange && at.value) at.setSelectionRange(at.value.length, at.value.length);
    panel.scrollIntoView({ block: "nearest" });
    return true;
  }

  function write() { // where the text itself is a field
    const at = $("[data-written]");
    at?.focus();
    at?.setSelectionRange(at.value.length, at.value.length);
    return !!at;
  }

  function pick(place) { // the label with this number on its key
    const field = $$("#verdict .labels input")[place];
    if (field) { field.checked = !field.checked; return true; }
    const button = $$("#labels .labels button, #labels .labels a").find((each) => $("kbd", each)?.textContent === String(place + 1));
    button?.click();
    return !!button;
  }

  const act = {
    a: () => press("a"), d: () => press("d"), s: () => press("s"), u: () => press("u"), z: () => press("u"),
    enter: () => press("a"), y: () => press("y"), n: () => press("n"),
    l: () => open($("#labels"), "#find"),
    e: () => open($("#edit"), "textarea") || write(),
    v: () => { const box = $("#show"); box?.click(); return !!box; },
    "?": () => { const keys = $(".keys"); if (keys) keys.open = !keys.open; return true; },
    arrowleft: (event) => step(-1, event.shiftKey), arrowright: (event) => step(1, event.shiftKey),
    backspace: () => mark(""), delete: () => mark(""), 0: () => mark(""),
    escape: () => { close(); return true; },
  };

  function close() {
    $$("#edit, .keys").forEach((each) => { each.open = false; });
    const find = $("#find");
    if (find) { find.value = ""; narrow(find); }
    getSelection().removeAllRanges();
    [cursor, anchor] = [null, null];
    light();
    $("#main")?.focus({ preventScroll: true });
  }

  document.addEventListener("keydown", (event) => {
    renew();
    const at = event.target, key = event.key.toLowerCase();
    const writes = at.matches("textarea, select, input:not([type=checkbox])");
    if (key === "escape") return close();
    if (writes) {
      if (key === "enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); at.form.requestSubmit($("button", at.form)); }
      if (at.id === "find") find(event, key);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !key.startsWith("arrow")) return;
    if (key === "enter" && at.matches("button, summary, a")) return;
    const done = /^[1-9]$/.test(key) ? pick(key - 1) : Object.hasOwn(act, key) && act[key](event);
    if (done) event.preventDefault();
  });

  // finding a label

  const shown = () => $$("#labels .labels li").filter((each) => !each.hidden);

  function narrow(input) {
    const words = input.value.toLowerCase().trim().split(/[\s_]+/).filter(Boolean);
    for (const item of $$("#labels .labels li")) {
      const text = `${$("bdi", item)?.textContent ?? ""} ${$("button, a", item).title}`.toLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
      item.classList.remove("chosen");
    }
    const name = (item) => $("bdi", item)?.textContent.toLowerCase() ?? "";
    const best = shown().find((item) => name(item).startsWith(words[0] ?? "")) ?? shown()[0];
    if (words.length) best?.classList.add("chosen");
  }

  function find(event, key) {
    const items = shown(), place = items.findIndex((item) => item.classList.contains("chosen"));
    if (key === "arrowdown" || key === "arrowup") {
      event.preventDefault();
      const next = items[Math.min(items.length - 1, Math.max(0, place + (key === "arrowdown" ? 1 : -1)))];
      items[place]?.classList.remove("chosen");
      next?.classList.add("chosen");
      next?.scrollIntoView({ block: "nearest" });
    } else if (key === "enter") {
      event.preventDefault();
      $("button, a", items[place])?.click();
    }
  }

  document.addEventListener("input", (event) => { if (event.target.id === "find") narrow(event.target); });

  // spans

  const tokens = () => $$(".tokens .token");
  const tags = () => tokens().map((each) => !each.dataset.slot ? "O" : (each.dataset.begins ? "B-" : "I-") + each.dataset.slot);

  function selected() { // places of the first and the last selected token
    const all = tokens(), range = getSelection().rangeCount ? getSelection().getRangeAt(0) : null;
    if (range && !range.collapsed) {
      const hit = all.map((each, place) => range.intersectsNode(each) ? place : -1).filter((place) => place >= 0);
      const inside = hit.filter((place) => touches(range, all[place]));
      if (inside.length) return [inside[0], inside.at(-1)];
    }
    return cursor === null ? null : [Math.min(cursor, anchor), Math.max(cursor, anchor)];
  }

  function touches(range, token) { // more than at an edge
    const whole = document.createRange();
    whole.selectNodeContents(token);
    return range.compareBoundaryPoints(Range.END_TO_START, whole) < 0 && range.compareBoundaryPoints(Range.START_TO_END, whole) > 0;
  }

  function mark(slot) {
    const all = tokens(), at = selected();
    if (!at) { if (all.length) say("Select tokens first, with the mouse or with the arrow keys."); return all.length > 0; }
    const after = all[at[1] + 1];
    if (after?.dataset.slot && !after.dataset.begins) after.dataset.begins = after.dataset.slot; // its span is cut in two
    all.slice(at[0], at[1] + 1).forEach((each, place) => {
      each.dataset.slot = slot;
      if (slot && !place) each.dataset.begins = slot; else delete each.dataset.begins;
    });
    getSelection().removeAllRanges();
    say("");
    paint();
    return true;
  }

  function paint() {
    for (const each of tokens()) {
      each.classList.toggle("in", !!each.dataset.slot);
      const gap = each.previousElementSibling, goes = each.dataset.slot && !each.dataset.begins;
      gap.classList.toggle("in", !!goes);
      gap.dataset.slot = goes ? each.dataset.slot : "";
    }
  }

  function step(by, extend) {
    const all = tokens();
    if (!all.length) return false;
    cursor = cursor === null ? (by > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, cursor + by));
    if (!extend || anchor === null) anchor = cursor;
    getSelection().removeAllRanges();
    light();
    return true;
  }

  function light() {
    tokens().forEach((each, place) => {
      each.classList.toggle("at", cursor !== null && place >= Math.min(cursor, anchor) && place <= Math.max(cursor, anchor));
    });
  }

  document.addEventListener("mousedown", (event) => { if (event.target.closest("[data-mark]")) event.preventDefault(); }); // keep the selection
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-mark]"), token = event.target.closest(".tokens .token");
    if (button) mark(button.dataset.mark);
    if (token && getSelection().isCollapsed) { cursor = anchor = tokens().indexOf(token); light(); }
  });

  // what the student says of a text while it is written

  let waiting = 0, asked = 0;

  async function listen() {
    const to = $("#main")?.dataset.live, at = $("#live"), form = $("#verdict");
    if (!to || !$$("[data-written]").every((each) => each.value.trim())) { if (at) at.textContent = "\u00a0"; return; }
    const number = ++asked;
    const answer = await fetch(to, { method: "POST", body: new URLSearchParams(new FormData(form)) }).catch(() => null);
    const told = answer?.ok ? await answer.json() : { said: "The page's server does not answer.", fools: false };
    if (number !== asked || !at.isConnected) return;
    at.textContent = told.said;
    at.classList.toggle("fools", told.fools);
  }

  document.addEventListener("input", (event) => {
    if (!event.target.matches("[data-written]")) return;
    clearTimeout(waiting);
    waiting = setTimeout(listen, 200);
  });
  listen();

  // the row stays this person's as long as something is done

  async function renew() {
    const form = $("#verdict"), row = $("#main")?.dataset.row;
    if (!row || Date.now() - renewed < 30000) return;
    renewed = Date.now();
    const body = new URLSearchParams({ csrf: form.elements.csrf.value, row });
    const answer = await fetch($("#main").dataset.renew || "/renew", { method: "POST", body }).catch(() => null);
    if (answer?.status === 409) say("Your time on this row ran out and somebody else has it now.");
  }
  document.addEventListener("pointermove", renew);
})();
