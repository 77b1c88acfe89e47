// A visit by @openai/codex-sdk, which starts `codex exec` for every turn.
import { Codex } from "@openai/codex-sdk";

const { codex, env, folder, prompts, image } = JSON.parse(process.argv[2]);
const client = new Codex({ codexPathOverride: codex, env });
const options = {
  workingDirectory: folder,
  skipGitRepoCheck: true,
  sandboxMode: "workspace-write",
  approvalPolicy: "on-request",
};
const schema = { type: "object", properties: {}, additionalProperties: false };

const thread = client.startThread(options);
const plain = await thread.run(prompts.plain);
const { events } = await thread.runStreamed(prompts.asking);
const kinds = [];
let allowed = "";
for await (const event of events) {
  kinds.push(event.type);
  if (event.type === "item.completed" && event.item.type === "agent_message") {
    allowed = event.item.text;
  }
}
const again = client.resumeThread(thread.id, options);
const reply = await again.run(
  [
    { type: "text", text: prompts.reply },
    { type: "local_image", path: image },
  ],
  { outputSchema: schema },
);

const aborting = new AbortController();
const cut = client.startThread(options);
let aborted = false;
try {
  const cutting = await cut.runStreamed(prompts.endless, { signal: aborting.signal });
  for await (const event of cutting.events) {
    if (event.type === "item.started") aborting.abort();
  }
} catch (error) {
  aborted = aborting.signal.aborted;
}
const seen = { plain: plain.finalResponse, allowed, reply: reply.finalResponse, kinds, aborted };
console.log(JSON.stringify({ ...seen, thread: thread.id, cut: cut.id, usage: plain.usage }));
