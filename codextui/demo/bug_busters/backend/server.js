"use strict";

const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");

const PORT = Number(process.env.PORT ?? 3000);
const MOST_BYTES = 10_000;
const MOST_POINTS = 10_000;
const KEPT = 100;

// The page, when it is opened through this server: these files and no others.
const PAGE = {
  "/": ["index.html", "text/html"],
  "/styles.css": ["styles.css", "text/css"],
  "/game.js": ["game.js", "text/javascript"],
};

const scores = [];

class Refused extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function reply(response, status, type, body, headers = {}) {
  response.writeHead(status, {
    "Content-Type": `${type}; charset=utf-8`,
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    ...headers,
  });
  response.end(body);
}

function tell(response, status, value, headers) {
  reply(response, status, "application/json", JSON.stringify(value), headers);
}

async function read(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= MOST_BYTES) chunks.push(chunk);
  }
  if (size > MOST_BYTES) throw new Refused(413, "that is too long");
  try {
    return JSON.parse(Buffer.concat(chunks).toString());
  } catch {
    throw new Refused(400, "that is no JSON");
  }
}

async function add(request, response) {
  const { name = "player", score } = Object(await read(request));
  if (!Number.isInteger(score) || score < 0 || score > MOST_POINTS) {
    throw new Refused(400, `score must be a whole number from 0 to ${MOST_POINTS}`);
  }
  if (typeof name !== "string") throw new Refused(400, "name must be text");
  scores.push({ name: name.slice(0, 20), score });
  scores.sort((one, other) => other.score - one.score);
  scores.length = Math.min(scores.length, KEPT);
  tell(response, 201, { ok: true });
}

const ROUTES = {
  "/health": { GET: (_, response) => tell(response, 200, { ok: true }) },
  "/scores": { GET: (_, response) => tell(response, 200, scores), POST: add },
};
for (const [address, [file, type]] of Object.entries(PAGE)) {
  const content = path.join(__dirname, "..", "frontend", file);
  const send = (_, response) => reply(response, 200, type, fs.readFileSync(content));
  ROUTES[address] = { GET: send };
}

async function answer(request, response) {
  try {
    const methods = ROUTES[request.url.split("?", 1)[0]];
    if (!methods) throw new Refused(404, "there is nothing here");
    if (!Object.hasOwn(methods, request.method)) {
      const allow = Object.keys(methods).join(", ");
      tell(response, 405, { error: `only ${allow}` }, { Allow: allow });
      return;
    }
    await methods[request.method](request, response);
  } catch (error) {
    tell(response, error.status ?? 500, { error: error.message });
  }
}

const server = http.createServer(answer);
server.listen(PORT, "127.0.0.1", () => {
  console.log(`Bug Busters: http://127.0.0.1:${server.address().port}/`);
});
