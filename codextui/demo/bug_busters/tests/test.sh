#!/bin/sh
# Checks the game's files, and the server by talking to it.
set -eu
cd "$(dirname "$0")/.."
for file in index.html styles.css game.js; do
  test -s "frontend/$file" && echo "ok frontend/$file"
done
grep -q 'styles.css' frontend/index.html && grep -q 'game.js' frontend/index.html
echo "ok the page loads its style and its script"
if ! command -v node > /dev/null; then
  echo "skipped: there is no node to run the server with"
  exit 0
fi
node --check frontend/game.js && echo "ok game.js"
node --input-type=module << 'EOF'
import { spawn } from "node:child_process";
import assert from "node:assert/strict";

const server = spawn(process.execPath, ["backend/server.js"], { env: { ...process.env, PORT: "0" } });
try {
  const port = await new Promise((resolve) =>
    server.stdout.once("data", (line) => resolve(/:(\d+)/.exec(String(line))[1])));
  const url = `http://127.0.0.1:${port}`;
  const post = (body) => fetch(`${url}/scores`, { method: "POST", body: JSON.stringify(body) });
  assert.deepEqual(await (await fetch(`${url}/health`)).json(), { ok: true });
  assert.match(await (await fetch(url)).text(), /Bug Busters/);
  assert.equal((await fetch(`${url}/elsewhere`)).status, 404);
  assert.equal((await post({ name: "a", score: 3 })).status, 201);
  assert.equal((await post({ name: "b", score: 7 })).status, 201);
  assert.equal((await post({ name: "c", score: "many" })).status, 400);
  assert.deepEqual((await (await fetch(`${url}/scores`)).json()).map((one) => one.score), [7, 3]);
  console.log("ok the server");
} finally {
  server.kill();
}
EOF
