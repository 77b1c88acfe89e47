"use strict";

const http = require("node:http");

const PORT = Number(process.env.PORT ?? 3000);
const MOST_BYTES = 10_000;
const KEPT = 100;

const scores = [];

function reply(response, status, body) {
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Headers": "Content-Type",
  });
  response.end(JSON.stringify(body));
}

function read(request) {
  return new Promise((resolve, reject) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
      if (text.length > MOST_BYTES) reject(new Error("too long"));
    });
    request.on("end", () => resolve(text));
    request.on("error", reject);
  });
}

async function add(request, response) {
  try {
    const { name, score } = JSON.parse(await read(request));
    if (!Number.isFinite(score)) throw new Error("score must be a number");
    scores.push({ name: String(name ?? "player").slice(0, 40), score });
    scores.sort((a, b) => b.score - a.score);
    scores.length = Math.min(scores.length, KEPT);
    reply(response, 201, { ok: true });
  } catch (error) {
    reply(response, 400, { error: error.message });
  }
}

const server = http.createServer((request, response) => {
  const wanted = `${request.method} ${request.url}`;
  if (request.method === "OPTIONS") reply(response, 204, {});
  else if (wanted === "GET /health") reply(response, 200, { ok: true });
  else if (wanted === "GET /scores") reply(response, 200, scores);
  else if (wanted === "POST /scores") add(request, response);
  else reply(response, 404, { error: "not found" });
});

server.listen(PORT, "127.0.0.1", () => console.log(`listening on ${server.address().port}`));
