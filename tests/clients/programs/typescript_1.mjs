// The client of the TypeScript SDK 1.x. It is started where its packages are installed.
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema, LATEST_PROTOCOL_VERSION } from "@modelcontextprotocol/sdk/types.js";

const { server, visit } = JSON.parse(process.argv[2]);
const asked = [];
const client = new Client(
  { name: "typescript-1", version: "1" },
  { capabilities: { elicitation: {} } },
);
client.setRequestHandler(ElicitRequestSchema, (request) => {
  asked.push(request.params.message);
  return { action: "accept", content: { decision: "approved" } };
});

const transport = server.url
  ? new StreamableHTTPClientTransport(new URL(server.url), {
      requestInit: { headers: { Authorization: `Bearer ${server.token}` } },
    })
  : new StdioClientTransport({ ...server, stderr: "ignore" });
await client.connect(transport);
const { tools } = await client.listTools();
const call = async (name, args) =>
  (await client.callTool({ name, arguments: args })).structuredContent;
const plain = await call("codex", visit.plain);
const allowed = await call("codex", visit.asking);
const reply = await call("codex-reply", { ...visit.reply, threadId: plain.threadId });
const version = transport.protocolVersion ?? LATEST_PROTOCOL_VERSION;
const names = tools.map((tool) => tool.name);
console.log(JSON.stringify({ version, tools: names, plain, allowed, reply, asked }));
await client.close();
