"use strict";

const ROUND_MS = 20_000;
const CALM_MS = 700; // after a round, so that a late swat does not start the next one
const REACH = 26; // px around the bug's middle
const NET_SPEED = 480; // px per second
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SERVED = location.protocol.startsWith("http"); // opened as a file, there is no server to ask

const at = (id) => document.getElementById(id);
const field = at("field");
const kept = keep();
const held = new Set();
const net = { x: 0, y: 0 };
let bug = null; // null outside of a round
let score = 0;
let endsAt = 0;
let lastFrame = 0;

function keep() {
  try {
    return window.localStorage;
  } catch {
    return {}; // a browser may forbid it
  }
}

function place(element, { x, y }, turn = 0) {
  element.style.transform = `translate(${x}px, ${y}px) rotate(${turn}rad)`;
}

function release() {
  const golden = Math.random() < 0.15;
  bug = {
    x: 30 + Math.random() * (field.clientWidth - 60),
    y: 30 + Math.random() * (field.clientHeight - 60),
    turn: Math.random() * 2 * Math.PI,
    speed: Math.min(90 + 6 * score, 260) * (golden ? 1.5 : 1),
    scared: 0,
    golden,
  };
  at("bug").classList.toggle("golden", golden);
  place(at("bug"), bug, bug.turn);
}

function crawl(seconds) {
  bug.turn += (Math.random() - 0.5) * 8 * seconds;
  bug.scared = Math.max(0, bug.scared - seconds);
  const step = bug.speed * (bug.scared ? 2 : 1) * seconds;
  bug.x += Math.cos(bug.turn) * step;
  bug.y += Math.sin(bug.turn) * step;
  if (bug.x < 22 || bug.x > field.clientWidth - 22) bug.turn = Math.PI - bug.turn;
  if (bug.y < 22 || bug.y > field.clientHeight - 22) bug.turn = -bug.turn;
  bug.x = Math.max(22, Math.min(field.clientWidth - 22, bug.x));
  bug.y = Math.max(22, Math.min(field.clientHeight - 22, bug.y));
  place(at("bug"), bug, bug.turn);
}

function steer(seconds) {
  for (const [x, y] of [...held].map((key) => ARROWS[key])) {
    net.x = Math.max(0, Math.min(field.clientWidth, net.x + x * NET_SPEED * seconds));
    net.y = Math.max(0, Math.min(field.clientHeight, net.y + y * NET_SPEED * seconds));
  }
  place(at("net"), net);
}

function swat({ x, y }) {
  if (!bug) return;
  if (Math.hypot(x - bug.x, y - bug.y) > REACH) {
    bug.scared = 0.4;
    bug.turn = Math.atan2(bug.y - y, bug.x - x);
    return;
  }
  const points = bug.golden ? 3 : 1;
  const splat = document.createElement("div");
  splat.className = "splat";
  splat.textContent = `+${points}`;
  place(splat, bug);
  splat.addEventListener("animationend", () => splat.remove());
  field.append(splat);
  score += points;
  at("score").value = score;
  release();
}

function frame(now) {
  if (!bug) return;
  const left = Math.max(0, endsAt - now);
  at("seconds").textContent = Math.ceil(left / 1000);
  at("time").style.transform = `scaleX(${left / ROUND_MS})`;
  if (left === 0) {
    end();
    return;
  }
  const seconds = Math.min(0.05, (now - lastFrame) / 1000);
  lastFrame = now;
  crawl(seconds);
  steer(seconds);
  requestAnimationFrame(frame);
}

function begin() {
  score = 0;
  at("score").value = score;
  kept.name = at("name").value;
  net.x = field.clientWidth / 2;
  net.y = field.clientHeight / 2;
  at("net").classList.add("hidden");
  at("bug").classList.remove("hidden");
  at("panel").classList.add("hidden");
  lastFrame = performance.now();
  endsAt = lastFrame + ROUND_MS;
  release();
  field.focus();
  requestAnimationFrame(frame);
}

function end() {
  bug = null;
  held.clear();
  const best = Number(kept.best ?? 0);
  const praise = score > best ? " Your best round so far!" : "";
  kept.best = Math.max(best, score);
  at("best").textContent = kept.best;
  at("result").textContent = `Game over: ${score} ${score === 1 ? "point" : "points"}.${praise}`;
  at("bug").classList.add("hidden");
  at("net").classList.add("hidden");
  at("panel").classList.remove("hidden");
  at("start").textContent = "Play again";
  at("start").disabled = true;
  setTimeout(() => {
    at("start").disabled = false;
    at("start").focus();
  }, CALM_MS);
  talk({
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: at("name").value || "player", score }),
  });
}

async function talk(request) {
  if (!SERVED) return;
  try {
    if (request) await fetch("/scores", request);
    const answer = await fetch("/scores");
    const scores = answer.ok ? await answer.json() : [];
    const lines = scores.slice(0, 5).map((one) => {
      const line = document.createElement("li");
      line.textContent = `${one.score} ${one.name}`;
      return line;
    });
    at("board").replaceChildren(...lines);
  } catch {
    // The game is complete without its server.
  }
}

field.addEventListener("pointerdown", (event) => {
  const corner = field.getBoundingClientRect();
  swat({ x: event.clientX - corner.left, y: event.clientY - corner.top });
});
field.addEventListener("keydown", (event) => {
  if (!bug || !(event.key in ARROWS || event.key === " ")) return;
  event.preventDefault();
  at("net").classList.remove("hidden");
  if (event.key in ARROWS) held.add(event.key);
  else if (!event.repeat) swat(net);
});
field.addEventListener("keyup", (event) => held.delete(event.key));
field.addEventListener("blur", () => held.clear());
at("panel").addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});

at("best").textContent = Number(kept.best ?? 0);
at("name").value = kept.name ?? "player";
at("start").focus();
talk();
