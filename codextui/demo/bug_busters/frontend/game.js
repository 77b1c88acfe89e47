"use strict";

const ROUND_S = 20;
const SIZE = 44;
const BACKEND = "http://127.0.0.1:3000";

const field = document.getElementById("field");
const bug = document.getElementById("bug");
const start = document.getElementById("start");
const shown = {
  score: document.getElementById("score"),
  seconds: document.getElementById("seconds"),
  result: document.getElementById("result"),
};

let score = 0;
let left = 0;
let moving = null;
let ticking = null;

function move() {
  bug.style.left = `${Math.random() * (field.clientWidth - SIZE)}px`;
  bug.style.top = `${Math.random() * (field.clientHeight - SIZE)}px`;
}

function hit() {
  if (left === 0) return;
  score += 1;
  shown.score.value = score;
  move();
}

function begin() {
  score = 0;
  left = ROUND_S;
  shown.score.value = score;
  shown.seconds.value = left;
  shown.result.textContent = "";
  start.disabled = true;
  bug.hidden = false;
  move();
  moving = setInterval(move, 900);
  ticking = setInterval(tick, 1000);
}

function tick() {
  left -= 1;
  shown.seconds.value = left;
  if (left === 0) end();
}

function end() {
  clearInterval(moving);
  clearInterval(ticking);
  bug.hidden = true;
  start.disabled = false;
  shown.result.textContent = `Time is up: ${score} bugs.`;
  send(score);
}

async function send(points) {
  try {
    await fetch(`${BACKEND}/scores`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ name: "player", score: points }),
    });
  } catch {
    // The game is complete without a backend.
  }
}

bug.addEventListener("click", hit);
start.addEventListener("click", begin);
