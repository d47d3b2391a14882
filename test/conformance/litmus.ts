// litmus, the WebDAV community's server suite (a C program on top of neon), against the WebDAV
// server of the examples. It tests the server that the library's own tests and samples rely on.
import { spawn, spawnSync } from "node:child_process";
import { startDavServer } from "../../docs/examples/server/server.js";
import { Folder, findProgram } from "../fixtures/real/launch.js";
import type { TestScope } from "../fixtures/server.js";
import { Tally, type Suite } from "./suite.js";

function version(): string {
  const asked = spawnSync("dpkg-query", ["-W", "-f=${Version}", "litmus"], { encoding: "utf8" });
  return asked.status === 0 ? asked.stdout : "of unknown version";
}

/** All that it prints; it logs into the folder where it runs. */
async function output(t: TestScope, program: string, url: string): Promise<string> {
  const folder = new Folder(t, "litmus");
  const child = spawn(program, ["--keep-going", url], { cwd: folder.path });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  }
  await new Promise((resolve) => child.on("close", resolve));
  return text;
}

export const LITMUS: Suite = {
  name: "WebDAV",
  async run(t) {
    const program = findProgram("litmus");
    if (program === null) return "litmus is not installed";
    const tally = new Tally(`litmus ${version()}, against the server of the examples`);
    const server = await startDavServer();
    try {
      let group = "";
      // a line is drawn again with the outcome at its end, warnings before it
      for (const line of (await output(t, program, `${server.url}/`)).split(/[\r\n]+/)) {
        group = /^-> running `(\w+)'/.exec(line)?.[1] ?? group;
        const [, name, how, more = ""] =
          /^ *\d+\. (\w+)\.* *(pass|FAIL|SKIPPED)\b ?(.*)$/.exec(line) ?? [];
        if (how === "pass") tally.pass();
        else if (how === "FAIL") tally.fail(`${group}: ${name}`, more);
        else if (how === "SKIPPED") tally.skip(`${group}: ${name}`, `skipped by litmus ${more}`);
        const warning = /WARNING: (.*)/.exec(line)?.[1];
        if (warning !== undefined) tally.fail(`${group}: warning`, warning);
      }
    } finally {
      await server.close();
    }
    return tally;
  },
};
