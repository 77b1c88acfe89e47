// The client of the TypeScript SDK 2.x, which knows both eras of the protocol.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const { server, visit, era } = JSON.parse(process.argv[2]);
const asked = [];
const client = new Client(
  { name: "typescript-2", version: "1" },
  {
    capabilities: { elicitation: { form: {} } },
    versionNegotiation: { mode: era === "handshake" ? "legacy" : { pin: era } },
  },
);
client.setRequestHandler("elicitation/create", (request) => {
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
const version = client.getNegotiatedProtocolVersion();
const names = tools.map((tool) => tool.name);
console.log(JSON.stringify({ version, tools: names, plain, allowed, reply, asked }));
await client.close();
