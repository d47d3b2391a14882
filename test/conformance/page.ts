// The text between the markers of docs/conformance.md: a table of totals, then for each suite what
// failed, what ends in another way on purpose, and what does not apply.
import { spawnSync } from "node:child_process";
import os from "node:os";
import { readText } from "../fixtures/sources.js";
import type { Tally } from "./suite.js";

/** Cases named where there are many of one kind. */
const SHOWN = 6;

/** Text of a case inside a line of Markdown. */
function code(text: string): string {
  const plain = text.replaceAll(/[^\x20-\x7e]/g, (char) => JSON.stringify(char).slice(1, -1));
  const short = plain.length > 160 ? `${plain.slice(0, 160)}…` : plain;
  return short.includes("`") ? `\`\` ${short} \`\`` : `\`${short}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function grouped(title: string, reasons: ReadonlyMap<string, readonly string[]>): string {
  if (reasons.size === 0) return "";
  const lines = [...reasons].map(([reason, names]) => {
    const shown = names.slice(0, SHOWN).map(code).join(", ");
    return `- ${reason}: ${names.length} (${shown}${names.length > SHOWN ? ", …" : ""})\n`;
  });
  return `\n${title}:\n\n${lines.join("")}`;
}

function section(name: string, tally: Tally | string): string {
  if (typeof tally === "string") return `\n### ${name}\n\nNot run: ${tally}.\n`;
  const failed = tally.failures.map(({ case: one, reason }) => `- ${code(one)}: ${code(reason)}\n`);
  return (
    `\n### ${name}\n\n${tally.version}.\n` +
    (failed.length > 0 ? `\nFailed:\n\n${failed.join("")}` : "\nNothing failed.\n") +
    grouped("Ends in another way, and why", tally.explained) +
    grouped("Does not apply, and why", tally.notApplicable)
  );
}

function heading(): string {
  const { version } = JSON.parse(readText("package.json")) as { version: string };
  const commit = spawnSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8" });
  const revision = commit.status === 0 ? ` (on top of ${commit.stdout.trim()})` : "";
  const day = new Date().toISOString().slice(0, 10);
  return (
    `libneon ${version}${revision}, ${day}, Node ${process.versions.node} with OpenSSL ` +
    `${process.versions.openssl}, ${os.type()} ${os.release()}.\n`
  );
}

/** The results of all suites as Markdown. */
export function describe(results: ReadonlyMap<string, Tally | string>): string {
  let table = "| suite | cases | passed | explained | not applicable | failed |\n";
  table += "| --- | ---: | ---: | ---: | ---: | ---: |\n";
  const sum = (map: ReadonlyMap<string, readonly string[]>): number =>
    [...map.values()].reduce((total, names) => total + names.length, 0);
  for (const [name, tally] of results) {
    const row =
      typeof tally === "string"
        ? [`not run: ${cell(tally)}`, "", "", "", ""]
        : [
            tally.total,
            tally.passed,
            sum(tally.explained),
            sum(tally.notApplicable),
            tally.failures.length,
          ];
    table += `| ${[name, ...row].join(" | ")} |\n`;
  }
  const sections = [...results].map(([name, tally]) => section(name, tally));
  return `${heading()}\n${table}${sections.join("")}`;
}
